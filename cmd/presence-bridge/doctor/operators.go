package doctor

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// atOnce is how many calls for the operators are under way together.
const atOnce = 4

// operators says whether those exist in whose name serve asks.
func (c *consultation) operators(ctx context.Context, client *easemob.Client) {
	if c.Online {
		c.skip("operators", "not needed: EASEMOB_STATUS=online asks in nobody's name")
		return
	}
	if len(c.Operators) == 0 {
		c.skip("operators", "not checked: EASEMOB_OPERATORS has to be set first")
		return
	}
	there, errs := exist(ctx, client, c.Operators)
	var missing, unknown []string
	var why error
	for i, name := range c.Operators {
		switch {
		case errs[i] != nil:
			unknown, why = append(unknown, name), errs[i]
		case !there[i]:
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		c.fail("operators", "register them as users of the app, or take them out of EASEMOB_OPERATORS",
			"the app has no user %s", names(missing))
	}
	if len(unknown) > 0 {
		c.warn("operators", "look whether they are users of the app: in the name of one who is not, nobody is seen",
			"whether the app has user %s was not to be found out: %s", names(unknown), said(why))
	}
	if len(missing)+len(unknown) == 0 {
		c.fine("operators", "the app knows %s", names(c.Operators))
	}
}

// exist asks about several users, a few at once.
func exist(ctx context.Context, client *easemob.Client, uids []string) (there []bool, errs []error) {
	there, errs = make([]bool, len(uids)), make([]error, len(uids))
	room := make(chan struct{}, atOnce)
	var asked sync.WaitGroup
	for i, uid := range uids {
		room <- struct{}{}
		asked.Go(func() {
			defer func() { <-room }()
			there[i], errs[i] = client.Exists(ctx, uid)
		})
	}
	asked.Wait()
	return there, errs
}

const listed = 5 // names in a line

func names(list []string) string {
	if len(list) <= listed {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(list[:listed], ", "), thousands(len(list)-listed))
}
