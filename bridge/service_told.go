package bridge

import (
	"encoding/json"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// startTelling answers those who ask about all services, about those of our name, and about this one.
func (s *service) startTelling() error {
	for verb, answer := range map[micro.Verb]func() any{micro.PingVerb: s.ping, micro.InfoVerb: s.info, micro.StatsVerb: s.stats} {
		for _, of := range [][2]string{{"", ""}, {s.about.Name, ""}, {s.about.Name, s.about.ID}} {
			subject, err := micro.ControlSubject(verb, of[0], of[1])
			if err != nil {
				return err
			}
			sub, err := s.bus.nc.Subscribe(subject, func(m *nats.Msg) { s.tell(m, answer()) })
			if err != nil {
				return err
			}
			s.subs = append(s.subs, sub)
		}
	}
	return nil
}

func (s *service) tell(m *nats.Msg, answer any) {
	body, _ := json.Marshal(answer) // types of micro: it cannot fail
	if err := m.Respond(body); err != nil {
		s.bus.log.Debug("telling about the service", "error", err)
	}
}

func (s *service) ping() any {
	return micro.Ping{ServiceIdentity: s.about, Type: micro.PingResponseType}
}

func (s *service) info() any {
	info := micro.Info{ServiceIdentity: s.about, Type: micro.InfoResponseType, Description: s.says}
	for _, d := range s.desks {
		info.Endpoints = append(info.Endpoints, micro.EndpointInfo{Name: d.Name, Subject: d.subject(), QueueGroup: micro.DefaultQueueGroup})
	}
	return info
}

func (s *service) stats() any {
	stats := micro.Stats{ServiceIdentity: s.about, Type: micro.StatsResponseType, Started: s.started}
	for _, d := range s.desks {
		stats.Endpoints = append(stats.Endpoints, d.stats())
	}
	return stats
}
