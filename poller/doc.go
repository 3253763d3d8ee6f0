// Package poller asks the vendor about everybody who is watched, and writes what changed.
package poller
