// Presence-bridge is the one binary of the bridge: it asks the vendor who is online, keeps the answers as a log
// of changes on NATS, and pushes them to browsers. Each command's --help is its manual.
//
// This package holds flags, wiring and shutdown, nothing else. [run] is the whole program, callable from a
// test: it parses, lets the command name everything that is wrong with its settings at once (TestSettings), each
// by its name, whatever was mistyped (TestBadInput),
// and runs it until its context is done. Exit statuses are 0, 1 for what went wrong on the way, and 2 for
// settings, before anything has started.
//
// demo and serve are the same [stack] with different plans. A stack binds its listeners before it starts
// anything, starts its parts one after the other, and takes them down last in first out within a bound
// (TestTeardown); what each step took is logged with --log-level debug.
//
// doctor has serve's settings and runs although they are wrong: what is wrong with them is among its findings
// (TestDoctorGoesOn, TestDoctorHasServesSettings). What it checks is in package doctor. With --watched it is a
// calculator, which needs no setting and asks nobody (TestDoctorReckons).
//
// With LISTEN=systemd the public listener is a socket that outlives the process (TestASocketOutlivesTheProcess). Logs are
// text on a terminal and JSON elsewhere (TestLogFormat). The admin listener and the emulator let go of connections of no
// use (TestConnectionsOfNoUseEnd), and take no more headers than the public listener (TestHeadersAreBounded).
//
// What operators use lies in deploy, and most of its tests too. Here is held that the runbook's commands are there
// (TestRunbooksCommandsParse), and that the unit names settings that there are, has room for what serve needs and never
// gives up (TestUnitsNameSettings, TestUnitHasRoom, TestUnitsAreUnits, TestUnitGoesOnTrying, TestTheDoctorsUnit).
// An image is stamped (TestStampedVersion) and built for other machines than the builder's (TestImageForOtherMachines).
//
// The README's tables of settings are those of serve: TestREADMESettings.
//
// The tests run the commands over real listeners, the emulator and an in-process NATS; TestProcess does it
// with the built binary and real signals. TestImports holds which folder may import which.
package main
