// Package faq holds the clinic's questions and answers.
package faq

import (
	bindings "gudok/internal/bindings/faq"
	"gudok/internal/failure"
)

// Entry is a question with its answer.
type Entry struct {
	ID       string
	Question string
	// Answer is written to be heard.
	Answer string
}

// Hit is an entry that answers what was asked.
type Hit struct {
	Entry Entry
	// Confidence is 0 to 1. Matches below the clinic's threshold are not returned at all.
	Confidence float64
}

// Find gives the entries that answer what was asked, best first; several when several things were asked in one breath,
// none when the question is not in the FAQ.
func Find(question string) ([]Hit, error) {
	result := bindings.Find(question)
	if err := failure.Of("faq.find", result); err != nil {
		return nil, err
	}
	hits := make([]Hit, len(result.Ok()))
	for i, hit := range result.Ok() {
		hits[i] = Hit{Entry: entry(hit.Entry), Confidence: hit.Confidence}
	}
	return hits, nil
}

// Entries gives the whole FAQ.
func Entries() []Entry {
	given := bindings.Entries()
	entries := make([]Entry, len(given))
	for i := range given {
		entries[i] = entry(given[i])
	}
	return entries
}

func entry(e bindings.Entry) Entry { return Entry{ID: e.Id, Question: e.Question, Answer: e.Answer} }
