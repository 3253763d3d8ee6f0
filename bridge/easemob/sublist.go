package easemob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// maxPages bounds [Client.AllSubscriptions]: an operator has 3,000 subscriptions at most, so some 30 pages.
const maxPages = 64

// pageTries is how often [Client.AllSubscriptions] asks for a page that fails in a way that passes. Where one call in five
// fails, one walk in a thousand through thirty pages would come to its end without.
const pageTries = 4

// pagePause is half of what is waited at most before the second try; before each other, twice as long as before the last.
const pagePause = 50 * time.Millisecond

// Subscriptions asks for one page (from 1) of up to size (at most [MaxPage]) users whom operator subscribes.
// The list lags behind subscribe and unsubscribe by some ten seconds (JAVA's test waits as long).
func (c *Client) Subscriptions(ctx context.Context, operator string, page, size int) (SubscriptionPage, error) {
	if err := checkUID("operator", operator); err != nil {
		return SubscriptionPage{}, err
	}
	if page < 1 || size < 1 || size > MaxPage {
		return SubscriptionPage{}, invalid("page %d of %d: pages start at 1 and hold 1 to %d", page, size, MaxPage)
	}
	if err := c.Wait(ctx, KindList); err != nil {
		return SubscriptionPage{}, err
	}
	got, err := c.result(ctx, request{
		kind: KindList, method: http.MethodGet, field: inResult, limit: maxBatchBody,
		path: fmt.Sprintf("%s/sublist?pageNum=%d&pageSize=%d", presencePath(operator), page, size),
	})
	if err != nil {
		return SubscriptionPage{}, err
	}
	list, err := decodeSubscriptions(got.raw)
	if err != nil {
		return SubscriptionPage{}, garbled(KindList, http.StatusOK, err)
	}
	return list, nil
}

// AllSubscriptions asks for every page. The list shifts and lags while it is read, so neither the total nor a
// short page is its end: an empty page is, or one that brings nobody new. Who is on two pages counts once,
// with the later expiry. A page that is refused for now, or spoilt on its way, is asked for again; one that takes too long
// is not. Whoever gives a func read (it may be nil) hears after each page how many users there are.
func (c *Client) AllSubscriptions(ctx context.Context, operator string, read func(users int)) ([]Subscription, error) {
	var all []Subscription
	at := map[string]int{} // uid -> index in all
	for page := 1; page <= maxPages; page++ {
		list, err := c.page(ctx, operator, page)
		if err != nil {
			return nil, fmt.Errorf("listing subscriptions, page %d: %w", page, err)
		}
		before := len(all)
		for _, s := range list.Subscriptions {
			i, known := at[s.UID]
			switch {
			case !known:
				at[s.UID] = len(all)
				all = append(all, s)
			case s.Expiry.After(all[i].Expiry):
				all[i].Expiry = s.Expiry
			}
		}
		if read != nil {
			read(len(all))
		}
		if list.size == 0 || len(all) == before && len(list.Subscriptions) > 0 {
			return all, nil
		}
	}
	return nil, fmt.Errorf("listing subscriptions: more than %d pages of %d", maxPages, MaxPage)
}

func (c *Client) page(ctx context.Context, operator string, page int) (list SubscriptionPage, err error) {
	for try := range pageTries {
		if try > 0 && sleep(ctx, fullJitter(pagePause<<try)) != nil {
			break
		}
		list, err = c.Subscriptions(ctx, operator, page, MaxPage)
		if !IsRetryable(err) || timedOut(err) {
			break
		}
	}
	return list, err
}

func timedOut(err error) bool {
	late, ok := errors.AsType[net.Error](err)
	return ok && late.Timeout()
}
