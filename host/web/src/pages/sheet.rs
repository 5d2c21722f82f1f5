//! A workbook for a spreadsheet program (Office Open XML, ECMA-376), small enough to be our own: plain tables, the first row
//! bold. The parts lie in the ZIP file uncompressed, so nothing has to be compressed and any program opens them.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// What stands in a cell.
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number as f64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// Tables with their names.
#[derive(Default)]
pub(crate) struct Workbook {
    sheets: Vec<(String, Vec<Vec<Cell>>)>,
}

impl Workbook {
    pub(crate) fn sheet(&mut self, name: &str, rows: Vec<Vec<Cell>>) {
        // What a spreadsheet does not take in a name, and the length it takes.
        let name: String = name.chars().filter(|c| !"[]:*?/\\".contains(*c)).take(31).collect();
        self.sheets.push((name, rows));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
        const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
        const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
        let (mut types, mut list, mut links) = (String::new(), String::new(), String::new());
        let mut zip = Zip::default();
        for (n, (name, rows)) in self.sheets.iter().enumerate() {
            let n = n + 1;
            types +=
                &format!("<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"{KIND}.worksheet+xml\"/>");
            list += &format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>", escaped(name));
            links += &format!(
                "<Relationship Id=\"rId{n}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
            );
            let body: String = rows.iter().enumerate().map(|(n, row)| line(row, n == 0)).collect();
            let sheet = format!(
                "{HEAD}<worksheet xmlns=\"{MAIN}\"><cols><col min=\"1\" max=\"1\" width=\"34\" customWidth=\"1\"/>\
                 <col min=\"2\" max=\"9\" width=\"16\" customWidth=\"1\"/></cols><sheetData>{body}</sheetData></worksheet>"
            );
            zip.add(&format!("xl/worksheets/sheet{n}.xml"), sheet.as_bytes());
        }
        zip.add(
            "[Content_Types].xml",
            format!(
                "{HEAD}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
                 ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
                 ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{KIND}.sheet.main+xml\"/>\
                 <Override PartName=\"/xl/styles.xml\" ContentType=\"{KIND}.styles+xml\"/>{types}</Types>"
            )
            .as_bytes(),
        );
        zip.add(
            "_rels/.rels",
            format!(
                "{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
                 Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            )
            .as_bytes(),
        );
        zip.add(
            "xl/workbook.xml",
            format!("{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{list}</sheets></workbook>")
                .as_bytes(),
        );
        zip.add(
            "xl/_rels/workbook.xml.rels",
            format!(
                "{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">{links}<Relationship Id=\"styles\" \
                 Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
            )
            .as_bytes(),
        );
        zip.add(
            "xl/styles.xml",
            format!(
                "{HEAD}<styleSheet xmlns=\"{MAIN}\"><fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font>\
                 <font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts><fills count=\"1\"><fill><patternFill \
                 patternType=\"none\"/></fill></fills><borders count=\"1\"><border/></borders><cellStyleXfs count=\"1\"><xf/>\
                 </cellStyleXfs><cellXfs count=\"2\"><xf/><xf fontId=\"1\" applyFont=\"1\"/></cellXfs></styleSheet>"
            )
            .as_bytes(),
        );
        zip.finish()
    }

    pub(crate) fn file(&self, name: &str) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        ];
        (headers, self.bytes()).into_response()
    }
}

fn line(row: &[Cell], bold: bool) -> String {
    let style = if bold { " s=\"1\"" } else { "" };
    let cell = |cell: &Cell| match cell {
        // Text is text for a spreadsheet, too: a formula cannot come in this way.
        Cell::Text(text) => {
            format!("<c t=\"inlineStr\"{style}><is><t xml:space=\"preserve\">{}</t></is></c>", escaped(text))
        }
        Cell::Number(number) if number.is_finite() => format!("<c{style}><v>{number}</v></c>"),
        Cell::Number(_) | Cell::Empty => "<c/>".to_owned(),
    };
    format!("<row>{}</row>", row.iter().map(cell).collect::<String>())
}

/// XML 1.0 has no control characters but three.
fn escaped(text: &str) -> String {
    let sound = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    sound.fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
        out
    })
}

/// Files in one, uncompressed (APPNOTE.TXT of PKWARE, method 0).
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    fn add(&mut self, name: &str, content: &[u8]) {
        let at = self.bytes.len() as u32;
        let size = content.len() as u32;
        // Version 2.0; names are UTF-8; the first day there is.
        let mut common = vec![20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32(content).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        self.bytes.extend(*b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(content);
        self.directory.extend(*b"PK\x01\x02\x14\x00");
        self.directory.extend(&common);
        self.directory.extend([0; 10]);
        self.directory.extend(at.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let (at, size) = (self.bytes.len() as u32, self.directory.len() as u32);
        self.bytes.extend(self.directory);
        self.bytes.extend(*b"PK\x05\x06\x00\x00\x00\x00");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

/// The check sum of ZIP files (ISO 3309), bit by bit: a report is small.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_workbook_is_a_zip_with_its_parts() {
        let mut book = Workbook::default();
        book.sheet("A/B", vec![vec!["<x>".into(), 5_i64.into(), None::<i64>.into()]]);
        let bytes = book.bytes();
        let text = String::from_utf8_lossy(&bytes);
        assert!(bytes.starts_with(b"PK\x03\x04") && text.contains("&lt;x&gt;") && text.contains("<v>5</v>"));
        assert!(text.contains("sheet name=\"AB\""));
        assert_eq!(bytes[bytes.len() - 22..][..4], *b"PK\x05\x06");
    }
}
