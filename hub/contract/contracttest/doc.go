// Package contracttest holds what is said on the wire against the documents of package contract, for tests.
//
// It is stricter than a reader may be: an object may have no field that its schema does not name, unless the schema says
// that it may have more. A [Contract] may be used by many at once.
package contracttest
