// Package keeper holds the vendor's subscriptions of everybody who is watched.
package keeper
