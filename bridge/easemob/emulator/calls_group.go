package emulator

import "net/http"

// groupCount tells how many of a group are there. No groups are kept here: everybody is in each. An app has to
// have this call switched on besides presence itself (ED24).
func (s *Server) groupCount(c call) (answer, *refusal) {
	switch {
	case !s.options.GroupCount:
		return answer{}, &groupsNotOpen
	case c.group == "":
		return answer{}, &noGroup
	case c.value == "":
		return answer{}, &noGroupType
	case c.value != "0" && c.value != "1":
		return answer{}, &badGroupType
	}
	return asJSON(http.StatusOK, resultOf(s.people.online())), nil
}
