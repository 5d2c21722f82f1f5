//! The report as a document: read back by its own objects, as a reader of PDF does.

use std::collections::BTreeMap;

use reports::pdf::{Table, pdf};
use reports::{Lang, Period, Report};

use crate::{input, sample, store};

/// The pages' texts, letters mapped by the fonts' tables of what each glyph stands for.
fn pages(document: &[u8]) -> Vec<String> {
    let fonts: Vec<BTreeMap<u16, char>> = streams(document)
        .into_iter()
        .filter(|stream| find(stream, b"beginbfchar", 0).is_some() || find(stream, b"beginbfrange", 0).is_some())
        .map(|stream| glyphs(std::str::from_utf8(stream).unwrap()))
        .collect();
    assert_eq!(fonts.len(), 2);
    let contents = streams(document).into_iter().filter(|stream| find(stream, b"BT\n", 0).is_some());
    contents.map(|content| text(content, &fonts)).collect()
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| at + from)
}

fn streams(document: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(start) = find(document, b"\nstream\n", at) {
        let end = find(document, b"\nendstream", start).unwrap();
        found.push(&document[(start + 8).min(end)..end]);
        at = end + 10;
    }
    found
}

/// `<0001> <0420>`, one a line.
fn glyphs(cmap: &str) -> BTreeMap<u16, char> {
    let hex = |text: &str| u32::from_str_radix(text.trim_matches(['<', '>']), 16).ok();
    let pair = |line: &str| {
        let mut parts = line.split_whitespace().filter(|part| part.starts_with('<'));
        let (glyph, letter) = (hex(parts.next()?)?, hex(parts.next()?)?);
        Some((u16::try_from(glyph).ok()?, char::from_u32(letter)?))
    };
    cmap.lines().filter_map(pair).collect()
}

/// Every string that is shown, in the order of the content, one a line.
fn text(content: &[u8], fonts: &[BTreeMap<u16, char>]) -> String {
    let (mut at, mut font, mut out) = (0, 0, String::new());
    while at < content.len() {
        match content[at] {
            b'/' => {
                font = usize::from(content[at + 2] - b'1');
                at += 3;
            }
            b'(' | b'<' => {
                let (bytes, end) = string(content, at);
                let read = |two: &[u8]| fonts[font].get(&u16::from_be_bytes([two[0], two[1]])).copied().unwrap();
                out.extend(bytes.chunks(2).map(read));
                out.push('\n');
                at = end;
            }
            _ => at += 1,
        }
    }
    out
}

/// A literal or hexadecimal string, and where it ends (ISO 32000-1, 7.3.4).
fn string(content: &[u8], start: usize) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    if content[start] == b'<' {
        let end = find(content, b">", start).unwrap();
        let digits = std::str::from_utf8(&content[start + 1..end]).unwrap();
        bytes.extend((0..digits.len()).step_by(2).map(|n| u8::from_str_radix(&digits[n..n + 2], 16).unwrap()));
        return (bytes, end + 1);
    }
    let (mut at, mut depth) = (start + 1, 1);
    loop {
        match content[at] {
            b'\\' => {
                at += 1;
                match content[at] {
                    b'n' => bytes.push(b'\n'),
                    b'r' => bytes.push(b'\r'),
                    b't' => bytes.push(b'\t'),
                    b'b' => bytes.push(8),
                    b'f' => bytes.push(12),
                    digit if digit.is_ascii_digit() => {
                        let octal = std::str::from_utf8(&content[at..at + 3]).unwrap();
                        bytes.push(u8::from_str_radix(octal, 8).unwrap());
                        at += 2;
                    }
                    other => bytes.push(other),
                }
            }
            b'(' => {
                depth += 1;
                bytes.push(b'(');
            }
            b')' if depth == 1 => return (bytes, at + 1),
            b')' => {
                depth -= 1;
                bytes.push(b')');
            }
            other => bytes.push(other),
        }
        at += 1;
    }
}

async fn month() -> Report {
    let (_folder, store) = store().await;
    let month = sample::month(2026, 10);
    sample::fill(&store, Period { from: month.before().unwrap().from, to: month.to }, 24, &sample::MIX, 7).await;
    Report::build(&store, &input(month)).await.unwrap()
}

#[tokio::test]
async fn a_document_has_pages_that_can_be_searched() {
    let report = month().await;
    let beside = [
        Table {
            title: "План и факт".to_owned(),
            heads: ["показатель", "план", "факт"].map(str::to_owned).to_vec(),
            rows: vec![["Звонки", "800", "744"].map(str::to_owned).to_vec()],
            ..Table::default()
        },
        Table {
            title: "Потерянные визиты".to_owned(),
            heads: ["причина", "визиты"].map(str::to_owned).to_vec(),
            rows: (0..120).map(|n| vec![format!("причина номер {n}"), n.to_string()]).collect(),
            ..Table::default()
        },
    ];
    for lang in [Lang::Ru, Lang::En] {
        let document = pdf(&report, lang, &beside);
        assert!(document.starts_with(b"%PDF-") && document.ends_with(b"%%EOF"));
        let pages = pages(&document);
        let count = pages.len();
        assert!((4..12).contains(&count), "{count} pages");
        let numbers = |n: usize| lang.pick(format!("стр. {n} из {count}"), format!("page {n} of {count}"));
        for (n, page) in pages.iter().enumerate() {
            assert!(page.contains(&numbers(n + 1)), "{page}");
        }
        let all = pages.concat();
        let said = |words: &str| all.replace('\n', " ").contains(words);
        let headline = report.headline_text(lang).replace('\u{a0}', " ");
        assert!(said(&headline), "{headline}");
        assert!(said("Ветклиника «Лапа» <u>") && said("План и факт") && said("причина номер 119"));
        // A table that runs over has its head on every page.
        assert!(all.matches("причина\n").count() >= 3);
        assert!(!all.contains('?'), "a letter that the font does not have");
        // Two fonts of 68 KB, and the rest.
        assert!(document.len() < 350_000, "{}", document.len());
    }
    if let Ok(folder) = std::env::var("GUDOK_PDF_OUT") {
        std::fs::write(format!("{folder}/report.pdf"), pdf(&report, Lang::Ru, &beside)).unwrap();
    }
}

#[tokio::test]
async fn a_period_without_calls_is_a_document_too() {
    let (_folder, store) = store().await;
    let report = Report::build(&store, &input(sample::month(2026, 10))).await.unwrap();
    let document = pdf(&report, Lang::Ru, &[]);
    assert!(pages(&document).concat().contains("За этот период звонков нет."));
}
