// The flow `{{name}}`: greets, answers a question from the clinic's list, or leads to a person.
package main

import (
	"gudok"
	"gudok/call"
	"gudok/clinic"
	"gudok/faq"
	"gudok/notes"
	"gudok/routing"
)

func main() { gudok.Run(conversation) }

func conversation() error {
	name := clinic.Info().Name
	answer, err := call.Ask(call.Question{ID: "need", Text: name + ", здравствуйте! Чем помочь?"})
	if err != nil {
		return err
	}
	speech, ok := answer.(call.Speech)
	if !ok {
		return toPerson("звонящий промолчал")
	}
	hits, err := faq.Find(speech.Text)
	if err != nil {
		return err
	}
	if len(hits) == 0 {
		return toPerson(speech.Text)
	}
	if err := call.Say(hits[0].Entry.Answer); err != nil {
		return err
	}
	if err := notes.SetOutcome(notes.Answered); err != nil {
		return err
	}
	return call.Say("До свидания!")
}

// The summary is what the person who takes over will read.
func toPerson(summary string) error {
	transfer, err := routing.Transfer(routing.Operator, summary)
	if err != nil {
		return err
	}
	if transfer.Status == routing.Connected {
		return notes.SetOutcome(notes.Transferred)
	}
	if err := call.Say("Сейчас никого нет. Пожалуйста, позвоните позже."); err != nil {
		return err
	}
	return notes.SetOutcome(notes.Nothing)
}
