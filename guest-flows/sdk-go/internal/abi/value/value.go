// Package value has the shapes the generated bindings use where Go has none of its own: a value or nothing, a value or an
// error, a pair. The SDK turns them into what a Go program expects; flows do not see them.
package value

// Unit is the value of a result that carries none.
type Unit struct{}

// Tuple2 is a pair.
type Tuple2[T, U any] struct {
	F0 T
	F1 U
}

// The tags of an Option.
const (
	OptionNone uint8 = 0
	OptionSome uint8 = 1
)

// Option is a value, or nothing.
type Option[T any] struct {
	tag   uint8
	value T
}

// None is nothing.
func None[T any]() Option[T] { return Option[T]{} }

// Some is a value.
func Some[T any](value T) Option[T] { return Option[T]{tag: OptionSome, value: value} }

// Tag says whether there is a value.
func (o Option[T]) Tag() uint8 { return o.tag }

// Some is the value; the zero value when there is none.
func (o Option[T]) Some() T { return o.value }

// Get is the value, and whether there is one.
func (o Option[T]) Get() (T, bool) { return o.value, o.tag == OptionSome }

// The tags of a Result.
const (
	ResultOk  uint8 = 0
	ResultErr uint8 = 1
)

// Result is a value, or an error.
type Result[T, E any] struct {
	tag uint8
	ok  T
	err E
}

// Ok is a value.
func Ok[T, E any](value T) Result[T, E] { return Result[T, E]{ok: value} }

// Err is an error.
func Err[T, E any](err E) Result[T, E] { return Result[T, E]{tag: ResultErr, err: err} }

// Tag says which of the two it is.
func (r Result[T, E]) Tag() uint8 { return r.tag }

// Ok is the value; the zero value when it is an error.
func (r Result[T, E]) Ok() T { return r.ok }

// Err is the error; the zero value when it is none.
func (r Result[T, E]) Err() E { return r.err }

// OrNone is nothing for the zero value, and the value otherwise.
func OrNone[T comparable](value T) Option[T] {
	var zero T
	if value == zero {
		return None[T]()
	}
	return Some(value)
}
