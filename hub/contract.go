package hub

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/hub/contract"
)

// tables are what the documents for machines repeat of the code.
func tables(version string) contract.Tables {
	t := contract.Tables{Version: cmp.Or(version, "dev")}
	for _, c := range errorCodes {
		t.Errors = append(t.Errors, contract.ErrorCode{Code: c.code, Status: c.status, Again: c.again, Seen: string(c.of), Meaning: c.meaning})
	}
	for _, c := range closeCodeEntries {
		t.Closes = append(t.Closes, contract.CloseCode{Code: int(c.code), Name: c.name, ComeBack: c.comeBack})
	}
	return t
}

// OpenAPI is the contract over HTTP for machines: an OpenAPI 3.1 document, in JSON. version is the program's.
func OpenAPI(version string) []byte { return tables(version).OpenAPI() }

// AsyncAPI is the contract of the WebSocket and of NATS: an AsyncAPI 3.0 document, in JSON.
func AsyncAPI(version string) []byte { return tables(version).AsyncAPI() }

// document serves one of them.
func document(text []byte) echo.HandlerFunc {
	return func(c echo.Context) error { return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, text) }
}
