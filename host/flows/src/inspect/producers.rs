//! What a component says of its own making: the `producers` sections that compilers and component tools leave in it.
//!
//! A component holds several core modules, each with its own section: the program, an adapter for WASI, shims. And an
//! interpreter is written in another language than the program it runs. So the order is: what the component itself
//! says, which languages with an interpreter do; the tool that packed it, if that tool packs one language; the largest
//! module's language; and, for programs that were stripped, the tool that wrote their bindings.

use wasmparser::{KnownCustom, Parser, Payload};

/// Tools that put a program and its interpreter into a component.
const PACKERS: [(&str, &str); 4] = [
    ("componentize-py", "Python"),
    ("componentize-js", "JavaScript"),
    ("componentizejs", "JavaScript"),
    ("componentize-qjs", "JavaScript"),
];

/// Tools that write bindings for one language, and note that where stripping does not reach.
const BINDINGS: [(&str, &str); 3] = [("wit-bindgen-rust", "Rust"), ("wit-bindgen-c", "C"), ("wit-bindgen-go", "Go")];

/// The language, with the version of its compiler if that is said: `Rust 1.96.0`.
pub(super) fn language(wasm: &[u8]) -> Option<String> {
    let parts = parts(wasm);
    let (component, modules) = parts.split_first()?;
    let made_with =
        |known: &[(&str, &str)]| parts.iter().flat_map(|part| &part.tools).find_map(|tool| language_of(known, tool));
    let largest = || modules.iter().filter(|part| part.language.is_some()).max_by_key(|part| part.bytes);
    let language = component.language.clone();
    language
        .or_else(|| made_with(&PACKERS))
        .or_else(|| largest().and_then(|part| part.language.clone()))
        .or_else(|| made_with(&BINDINGS))
}

fn language_of(known: &[(&str, &str)], tool: &str) -> Option<String> {
    let tool = tool.to_lowercase();
    known.iter().find(|(name, _)| tool == *name).map(|(_, language)| (*language).to_owned())
}

/// A component or a module: its size and what its section says.
#[derive(Default)]
struct Part {
    bytes: usize,
    language: Option<String>,
    tools: Vec<String>,
}

/// The component, then every module and component inside it. What cannot be read is left out: this is information,
/// whether the bytes are valid is the compiler's question.
fn parts(wasm: &[u8]) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    let mut open = vec![0];
    for payload in Parser::new(0).parse_all(wasm) {
        match payload {
            Ok(Payload::ModuleSection { unchecked_range, .. } | Payload::ComponentSection { unchecked_range, .. }) => {
                open.push(parts.len());
                parts.push(Part { bytes: unchecked_range.len(), ..Part::default() });
            }
            Ok(Payload::End(_)) => {
                open.pop();
            }
            Ok(Payload::CustomSection(section)) => {
                let part = open.last().and_then(|&index| parts.get_mut(index));
                if let (Some(part), KnownCustom::Producers(fields)) = (part, section.as_known()) {
                    for field in fields.into_iter().flatten() {
                        for value in field.values.into_iter().flatten() {
                            part.note(field.name, value.name, value.version);
                        }
                    }
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    parts
}

impl Part {
    fn note(&mut self, field: &str, name: &str, version: &str) {
        match field {
            "language" if self.language.is_none() => {
                // `1.96.0 (abc 2026-10-01)`: the number is enough.
                let version = version.split_whitespace().next().unwrap_or_default();
                self.language = Some(format!("{name} {version}").trim_end().chars().take(40).collect());
            }
            "processed-by" => self.tools.push(name.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A custom section `producers` with these fields, as text for `wat`.
    fn producers(fields: &[(&str, &str, &str)]) -> String {
        let string = |text: &str| format!("\\{:02x}{text}", text.len());
        let fields: Vec<_> = fields
            .iter()
            .map(|(field, name, version)| format!("{}\\01{}{}", string(field), string(name), string(version)))
            .collect();
        format!("(@custom \"producers\" \"\\{:02x}{}\")", fields.len(), fields.concat())
    }

    /// Field, name and version of a producer.
    type Producer<'a> = (&'a str, &'a str, &'a str);

    fn of(component: &[Producer<'_>], modules: &[(usize, &[Producer<'_>])]) -> Option<String> {
        let modules: Vec<_> = modules
            .iter()
            .map(|(bytes, fields)| {
                format!("(core module (memory 1) (data \"{}\") {})", "x".repeat(*bytes), producers(fields))
            })
            .collect();
        let text = format!("(component {} {})", modules.concat(), producers(component));
        language(&wat::parse_str(text).expect("valid text"))
    }

    #[test]
    fn the_program_speaks_and_not_its_adapter() {
        let rust: (usize, &[_]) = (300, &[("language", "Rust", "1.96.0 (abc 2026-10-01)")]);
        let c: (usize, &[_]) = (900, &[("language", "C11", "")]);
        assert_eq!(of(&[("processed-by", "wit-component", "0.262.0")], &[rust, c]).as_deref(), Some("C11"));
        assert_eq!(of(&[], &[rust]).as_deref(), Some("Rust 1.96.0"));
        assert_eq!(of(&[("processed-by", "wit-bindgen-rust", "0.63.0")], &[(9, &[])]).as_deref(), Some("Rust"));
        assert_eq!(of(&[], &[]), None);
    }

    #[test]
    fn an_interpreters_own_language_is_not_the_flows() {
        let c: (usize, &[_]) = (900, &[("language", "C++14", "")]);
        assert_eq!(of(&[("language", "JavaScript", "")], &[c]).as_deref(), Some("JavaScript"));
        assert_eq!(of(&[("processed-by", "componentize-py", "0.25.1")], &[c]).as_deref(), Some("Python"));
    }

    #[test]
    fn what_is_no_component_says_nothing() {
        assert_eq!(language(b""), None);
        assert_eq!(language(b"\0asm\x0d\0\x01\0\0\xff\xff\xff"), None);
    }
}
