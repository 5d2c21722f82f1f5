// Package understanding tells what the caller meant. Pure: the same text at the same moment gives the same answer.
package understanding

import bindings "gudok/internal/bindings/understanding"

// Wish is a wish for a day and a time. What is empty was not said. An exact time has TimeFrom = TimeTo.
type Wish struct {
	// Date is one day, `YYYY-MM-DD`; or
	Date string
	// a range of days.
	DateFrom, DateTo string
	// TimeFrom and TimeTo are `HH:MM`.
	TimeFrom, TimeTo string
	// ASAP is "as soon as possible".
	ASAP bool
}

// DateTime is what was said of a date and a time: [NothingSaid], [Resolved], [Ambiguous], [Vague] or [Invalid].
//
//	if wish, ok := understanding.ParseDateTime(speech.Text).(understanding.Resolved); ok {
//		query.DateFrom = wish.Date
//	}
type DateTime interface{ dateTime() }

// NothingSaid: no date or time was said.
type NothingSaid struct{}

// Resolved is a wish that was understood.
type Resolved struct{ Wish }

// Ambiguous has several readings; ask which.
type Ambiguous []Wish

// Vague: a date or time was meant but not said closely enough («как-нибудь потом»).
type Vague struct{}

// Invalid is impossible («тридцать первого апреля»); the text says why, to be told to the caller.
type Invalid string

func (NothingSaid) dateTime() {}
func (Resolved) dateTime()    {}
func (Ambiguous) dateTime()   {}
func (Vague) dateTime()       {}
func (Invalid) dateTime()     {}

// ParseDateTime finds a date and a time in what was said.
func ParseDateTime(text string) DateTime {
	switch parsed := bindings.ParseDateTime(text); parsed.Tag() {
	case bindings.DateTime_Resolved:
		return Resolved{wishOf(parsed.Resolved())}
	case bindings.DateTime_Ambiguous:
		readings := make(Ambiguous, len(parsed.Ambiguous()))
		for i, wish := range parsed.Ambiguous() {
			readings[i] = wishOf(wish)
		}
		return readings
	case bindings.DateTime_Vague:
		return Vague{}
	case bindings.DateTime_Invalid:
		return Invalid(parsed.Invalid())
	default:
		return NothingSaid{}
	}
}

func wishOf(w bindings.Wish) Wish {
	return Wish{
		Date:     w.Date.Some(),
		DateFrom: w.DateFrom.Some(),
		DateTo:   w.DateTo.Some(),
		TimeFrom: w.TimeFrom.Some(),
		TimeTo:   w.TimeTo.Some(),
		ASAP:     w.Asap,
	}
}

// YesNo is a yes, a no, or neither.
type YesNo uint8

// What a yes-no question may come to.
const (
	Yes     YesNo = YesNo(bindings.YesNo_Yes)
	No      YesNo = YesNo(bindings.YesNo_No)
	Neither YesNo = YesNo(bindings.YesNo_Unknown)
)

// ParseYesNo tells a yes from a no.
func ParseYesNo(text string) YesNo { return YesNo(bindings.ParseYesNo(text)) }

// ParsePhone finds a Russian number said in words or figures, and gives it in E.164.
func ParsePhone(text string) (phone string, ok bool) { return bindings.ParsePhone(text).Get() }

// Name is a person's name; what was not said is empty.
type Name struct{ Last, First, Patronymic string }

// ParseName finds a person's name.
func ParseName(text string) (Name, bool) {
	name, ok := bindings.ParseName(text).Get()
	return Name{Last: name.Last.Some(), First: name.First.Some(), Patronymic: name.Patronymic.Some()}, ok
}

// Animal is the patient of a veterinary clinic; what was not said is empty.
type Animal struct {
	// Species is «кошка», «собака», «попугай» …
	Species string
	Breed   string
	// Name is its nickname.
	Name string
}

// ParseAnimal finds an animal.
func ParseAnimal(text string) (Animal, bool) {
	animal, ok := bindings.ParseAnimal(text).Get()
	return Animal{Species: animal.Species.Some(), Breed: animal.Breed.Some(), Name: animal.Name.Some()}, ok
}

// IntentKind is why the caller speaks: the first turn of a call, or a change of mind later.
type IntentKind uint8

// The kinds of intent.
const (
	Book       IntentKind = IntentKind(bindings.IntentKind_Book)
	Reschedule IntentKind = IntentKind(bindings.IntentKind_Reschedule)
	Cancel     IntentKind = IntentKind(bindings.IntentKind_Cancel)
	// MyVisit: when is my visit?
	MyVisit IntentKind = IntentKind(bindings.IntentKind_MyVisit)
	Results IntentKind = IntentKind(bindings.IntentKind_Results)
	Ward    IntentKind = IntentKind(bindings.IntentKind_Ward)
	Doctor  IntentKind = IntentKind(bindings.IntentKind_Doctor)
	Feed    IntentKind = IntentKind(bindings.IntentKind_Feed)
	Price   IntentKind = IntentKind(bindings.IntentKind_Price)
	Hours   IntentKind = IntentKind(bindings.IntentKind_Hours)
	Address IntentKind = IntentKind(bindings.IntentKind_Address)
	// Question is some other question.
	Question       IntentKind = IntentKind(bindings.IntentKind_Question)
	Operator       IntentKind = IntentKind(bindings.IntentKind_Operator)
	CallbackMissed IntentKind = IntentKind(bindings.IntentKind_CallbackMissed)
	Advertising    IntentKind = IntentKind(bindings.IntentKind_Advertising)
	// Goodbye, nothing else.
	Goodbye IntentKind = IntentKind(bindings.IntentKind_Goodbye)
	Unknown IntentKind = IntentKind(bindings.IntentKind_Unknown)
)

// Offered says whether a service that was named is given here.
type Offered uint8

const (
	Given  Offered = Offered(bindings.Offered_Offered)
	Absent Offered = Offered(bindings.Offered_Absent)
	// Unlisted: on neither list.
	Unlisted Offered = Offered(bindings.Offered_Unlisted)
)

// ServiceMention is a service that was named.
type ServiceMention struct {
	// Name as the trade calls it.
	Name    string
	Offered Offered
	// ServiceID is the clinic's id of the service when it is given here.
	ServiceID string
}

// Intent is why the caller speaks.
type Intent struct {
	Kind       IntentKind
	Confidence float64
	// Services that were named.
	Services []ServiceMention
	// Doctor is an id; empty when none was named.
	Doctor string
	// Urgent: a danger to life was named, a person is needed at once.
	Urgent bool
}

// ParseIntent tells why the caller speaks.
func ParseIntent(text string) Intent {
	parsed := bindings.ParseIntent(text)
	services := make([]ServiceMention, len(parsed.Services))
	for i, service := range parsed.Services {
		services[i] = ServiceMention{
			Name:      service.Name,
			Offered:   Offered(service.Offered),
			ServiceID: service.ServiceId.Some(),
		}
	}
	return Intent{
		Kind:       IntentKind(parsed.Kind),
		Confidence: parsed.Confidence,
		Services:   services,
		Doctor:     parsed.Doctor.Some(),
		Urgent:     parsed.Urgent,
	}
}

// ParseChoice tells which of the options was meant (by word, by number, "the second one"): its index.
func ParseChoice(text string, options []string) (index int, ok bool) {
	chosen, ok := bindings.ParseChoice(text, options).Get()
	return int(chosen), ok
}
