// The conformance flow `menu`: hours, address and the operator by keys. See ../../README.md.
package main

import (
	"conformance/desk"

	"gudok"
	"gudok/call"
	"gudok/clinic"
	"gudok/notes"
	"gudok/understanding"
)

func main() { gudok.Run(menu) }

func menu() error {
	caller := call.Info().Caller
	info := clinic.Info()
	answered := false
	for range 3 {
		choice, err := choose(info)
		if err != nil {
			return err
		}
		switch choice {
		case "1":
			err = tellHours()
		case "2":
			err = desk.Say(info.Address, notes.Answered)
		case "0":
			return desk.HandOver(caller, "меню")
		}
		if err != nil {
			return err
		}
		answered = answered || choice != ""
	}
	if err := call.Say("До свидания!"); err != nil {
		return err
	}
	if err := call.HangUp(); err != nil {
		return err
	}
	if answered {
		return nil
	}
	return notes.SetOutcome(notes.Nothing)
}

// The key of what was chosen; empty when it is none of them.
func choose(info clinic.Clinic) (string, error) {
	answer, err := call.Ask(call.Question{
		ID:              "menu",
		Text:            info.Name + ". Часы работы — один. Адрес — два. Регистратура — ноль.",
		Expects:         call.Keys,
		AnswerTimeoutMs: 4000,
		MaxDigits:       1,
	})
	if err != nil {
		return "", err
	}
	switch answer := answer.(type) {
	case call.Digits:
		if answer == "0" || answer == "1" || answer == "2" {
			return string(answer), nil
		}
	case call.Speech:
		index, ok := understanding.ParseChoice(answer.Text, []string{"часы", "адрес", "регистратура"})
		if ok {
			return []string{"1", "2", "0"}[index], nil
		}
	}
	return "", nil
}

func tellHours() error {
	hours, err := clinic.Hours(clinic.Now()[:10])
	if err != nil {
		return err
	}
	if !hours.Open {
		return desk.Say("Сегодня закрыто.", notes.Answered)
	}
	return desk.Say("Сегодня работаем с "+hours.Opens+" до "+hours.Closes+".", notes.Answered)
}
