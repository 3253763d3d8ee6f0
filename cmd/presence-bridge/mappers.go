package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// mappers read numbers, durations and switches, and note what cannot be read instead of ending there, so that
// it is told together with everything else.
func mappers(wrong *problems) []kong.Option {
	return []kong.Option{
		kong.TypeMapper(reflect.TypeFor[time.Duration](), noting(wrong, "a duration like 30s or 24h", func(s string, v reflect.Value) error {
			d, err := time.ParseDuration(s)
			v.SetInt(int64(d))
			return err
		})),
		kong.KindMapper(reflect.Int, wholeNumber(wrong)),
		kong.KindMapper(reflect.Int64, wholeNumber(wrong)),
		kong.KindMapper(reflect.Uint64, noting(wrong, "a whole number, 0 or more", func(s string, v reflect.Value) error {
			n, err := strconv.ParseUint(s, 10, 64)
			v.SetUint(n)
			return err
		})),
		kong.KindMapper(reflect.Float64, noting(wrong, "a number", func(s string, v reflect.Value) error {
			f, err := strconv.ParseFloat(s, 64)
			v.SetFloat(f)
			return err
		})),
		kong.KindMapper(reflect.Bool, switches{noting(wrong, "true or false", func(s string, v reflect.Value) error {
			b, err := strconv.ParseBool(s)
			v.SetBool(b)
			return err
		})}),
	}
}

func wholeNumber(wrong *problems) kong.Mapper {
	return noting(wrong, "a whole number", func(s string, v reflect.Value) error {
		n, err := strconv.ParseInt(s, 10, 64)
		v.SetInt(n)
		return err
	})
}

// noting makes a mapper of a parser.
func noting(wrong *problems, want string, parse func(string, reflect.Value) error) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		token := ctx.Scan.Peek()
		if !negative(token) && !token.IsValue() {
			_, err := ctx.Scan.PopValue(want) // says that there is none
			return err
		}
		ctx.Scan.Pop()
		text := fmt.Sprint(token.Value)
		if parse(text, target) != nil {
			wrong.add(fmt.Errorf("%s is %q: want %s", nameOfValue(ctx.Value), text, want))
			_ = parse(ctx.Value.Default, target) // one mistake, one complaint
		}
		return nil
	}
}

// negative says whether a token that kong would take for a short flag is a number below zero. There are no short
// flags that are digits.
func negative(token kong.Token) bool {
	text, _ := token.Value.(string)
	return token.Type == kong.UntypedToken && len(text) > 1 && text[0] == '-' && strings.ContainsRune("0123456789.", rune(text[1]))
}

// nameOfValue names a setting both ways, whichever was used.
func nameOfValue(v *kong.Value) string {
	if variable := v.Tag.Get(variableTag); variable != "" {
		return variable + " (--" + v.Name + ")"
	}
	return "--" + v.Name
}

// switches are flags that need no value.
type switches struct{ kong.Mapper }

func (switches) IsBool() bool { return true }

func (s switches) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		return s.Mapper.Decode(ctx, target)
	}
	target.SetBool(true)
	return nil
}
