package main

// Help is what the emulator is; the flags come after it, and then the examples.
func (*emulatorCommand) Help() string {
	return `
It plays one app at Easemob IM or Agora Chat, all of it in memory: nothing is stored, and nobody outside is asked.

The calls are POST /token, the five of presence (set, subscribe, get, unsubscribe, list), the count of a group, and the platform's own status calls, under /{org}/{app} and /app-id/{id}, with the vendor's limits, refusals and error bodies.

People live in it: they come and go with phones, computers and browser tabs, write texts, and have habits and nights. A callback rule posts their logins and logouts, signed, with the vendor's resends and bans. PUT /_emulator/users makes somebody so by hand, as their own devices would.

What is known of the vendor is contradictory in places. Where no flag under "Other readings" says otherwise, it does what its samples and tests show.

Beneath /_emulator/ is what a test needs: the truth, which every client has to show in the end, counts, faults and the population. It asks for no token, so keep it on a machine of your own.
`
}

func (*emulatorCommand) examples() string {
	return `
presence-bridge emulator --users 1000 --changes-per-s 20

# the bridge in front of it
presence-bridge serve --emulator-url http://127.0.0.1:9090

# a vendor on a bad day
presence-bridge emulator --latency-ms 300 --error-rate 0.05 --drop-entry-rate 0.01

# tunnels, one device a platform, and callbacks that go astray
presence-bridge emulator --vanish-rate 0.2 --devices-per-platform 1 --callback-url http://127.0.0.1:8080/v1/callbacks/easemob --callback-secret s3cret --callback-lost-rate 0.1 --callback-swap-rate 0.1

# another reading of the vendor
presence-bridge emulator --numbers --need-subscription --max-page-size 100 --page-size-over refuse

# the vendor's calls, with a fixed token: mint one, get, subscribe for an hour, list, unsubscribe, set;
# batch status, one status, devices, the count of a group
presence-bridge emulator --token t --group-count
curl -H 'Content-Type: application/json' http://127.0.0.1:9090/demo/presence/token -d '{"grant_type":"client_credentials","client_id":"id","client_secret":"secret"}'
curl -H 'Content-Type: application/json' -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/users/svc-1/presence -d '{"usernames":["user-0001","user-0002"]}'
curl -H 'Content-Type: application/json' -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/users/svc-1/presence/3600 -d '{"usernames":["user-0001"]}'
curl -H 'Authorization: Bearer t' 'http://127.0.0.1:9090/demo/presence/users/svc-1/presence/sublist?pageNum=1&pageSize=100'
curl -H 'Content-Type: application/json' -H 'Authorization: Bearer t' -X DELETE http://127.0.0.1:9090/demo/presence/users/svc-1/presence -d '["user-0001"]'
curl -H 'Content-Type: application/json' -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/users/user-0001/presence/web_1/1 -d '{"ext":"busy"}'
curl -H 'Content-Type: application/json' -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/users/batch/status -d '{"usernames":["user-0001"]}'
curl -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/users/user-0001/status
curl -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/users/user-0001/resources
curl -H 'Authorization: Bearer t' http://127.0.0.1:9090/demo/presence/presence/online/g1/type/1

# what is true, of some or of everybody; make it so
curl 'http://127.0.0.1:9090/_emulator/users?uids=user-0001,user-0002'
curl -X PUT http://127.0.0.1:9090/_emulator/users/alice -d '{"status":{"ios_1":"1"},"ext":"here"}'

# what was asked and called back; count anew
curl http://127.0.0.1:9090/_emulator/stats
curl -X DELETE http://127.0.0.1:9090/_emulator/stats

# what goes wrong, and how often it has; a fault that is left out is over
curl http://127.0.0.1:9090/_emulator/faults
curl -X PUT http://127.0.0.1:9090/_emulator/faults -d '{"error_rate":0.1,"callback_late_rate":0.2,"callback_late_ms":5000}'
curl -X PUT http://127.0.0.1:9090/_emulator/faults -d '{}'

# who lives here; no token is good any more
curl http://127.0.0.1:9090/_emulator/population
curl -X PUT http://127.0.0.1:9090/_emulator/population -d '{"users":100000,"changes_per_s":100}'
curl -X DELETE http://127.0.0.1:9090/_emulator/tokens
`
}
