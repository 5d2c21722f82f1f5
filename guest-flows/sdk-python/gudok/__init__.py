"""Write a Gudok flow in Python: a conversation as it reads, top to bottom.

    from gudok import call, flow
    from gudok.call import AnswerKind, Speech

    @flow
    def hello() -> None:
        call.say("Здравствуйте! Клиника слушает.")
        match call.ask("name", "Как вас зовут?", AnswerKind.PERSON_NAME):
            case Speech(text):
                call.say(f"Очень приятно, {text}.")
            case _:
                call.say("Тогда до свидания.")

Every call waits until it is done. When the caller hangs up, the next call raises `HangUp`: let it fly, `flow` takes it
for a normal end. Another error of the host is a `HostError`; uncaught, it ends the flow, and the host hands the caller
to a person. What you `print` goes to the flow's log: never print personal data.

One module is one capability: `call`, `clinic`, `faq`, `appointments`, `callbacks`, `routing`, `understanding`, `notes`.
A flow's list of imports is its list of permissions, and it is taken from `gudok/wit/flow.wit`: to ask for less, delete
the `import` there.

Modules are imported when the component is built, not during a call: import at the top of the file.
"""

from gudok.host import HangUp, HostError, flow

__all__ = ["HangUp", "HostError", "flow"]
