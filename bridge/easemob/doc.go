// Package easemob is a client of the presence REST API of Easemob IM and Agora Chat.
package easemob
