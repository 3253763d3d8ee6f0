// Package contract is what programs read of the hub: an OpenAPI 3.1 document about HTTP, an AsyncAPI 3.0 document about the
// WebSocket and NATS, and in schemas.json the JSON Schemas of all messages, which both have as components.schemas. They are
// written by hand; the tables of error and close codes are the hub's, and are put in when a hub begins.
//
// The schemas keep to what draft-07 and 2020-12 have in common, so that they mean the same in both documents: there is
// nothing beside a $ref, and no schema is put together of others.
//
// # Promises
//
// Each names the test that holds it, in package hub.
//
//   - The documents are what their formats want, by the official meta-schemas: TestDocumentsAreOfTheirFormats. Each
//     reference leads somewhere, and each schema is used: TestReferences.
//   - Every schema has the fields of the Go type that is sent or read, of the same kinds, and asks for those that are always
//     there: TestSchemasAreTheTypes. Its lists of values are the constants': TestEnumsAreTheConstants.
//   - Every route is in the one, every message in the other, and the reverse: TestRoutesAreDocumented,
//     TestMessagesAreDocumented; NATS has the addresses that the bridge uses: TestAddresses.
//   - The tables are those of the code: TestTablesAreOfOneSource.
//   - What hubs say in tests, and what they are asked and answer over HTTP and NATS, is as documented: package contracttest
//     looks at all of it, and nothing may have a field more: TestStrangersAreSeen. The same holds for whatever package bridge
//     publishes in its own tests, TestPublishedIsAsDocumented there, and for all that clients hear in
//     cmd/presence-bridge/road. The values of KV buckets are the bridge's own, and have no schemas.
package contract
