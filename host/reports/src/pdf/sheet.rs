//! Pages that fill from top to bottom: words that wrap, tables whose heads come again on the next page, bars.

use pdf_writer::{Content, Pdf, Rect, Ref, Str, TextStr};

use super::font::{Font, Weight};

/// A4, in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 46.0;
const FOOT: f32 = 52.0;
/// Between the lines, of the size of the letters.
const LEADING: f32 = 1.38;

/// Red, green, blue; 0 to 1.
pub(super) type Colour = [f32; 3];
pub(super) const INK: Colour = [0.10, 0.11, 0.13];
pub(super) const SOFT: Colour = [0.40, 0.42, 0.45];
pub(super) const LINE: Colour = [0.85, 0.86, 0.87];
pub(super) const TRACK: Colour = [0.93, 0.94, 0.95];
pub(super) const TARGET: Colour = [0.12, 0.37, 0.66];
pub(super) const MAYBE: Colour = [0.85, 0.62, 0.16];
pub(super) const NON: Colour = [0.76, 0.30, 0.20];

/// A column of a table.
pub(super) struct Column {
    pub(super) title: String,
    /// Of the width of the page, 0 to 1.
    pub(super) share: f32,
    pub(super) is_figure: bool,
}

/// What stands in a row.
#[derive(Default)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) is_sum: bool,
    /// A spot before the first cell.
    pub(super) dot: Option<Colour>,
    /// Below the row, in small letters.
    pub(super) note: String,
}

/// A document that is being filled.
pub(super) struct Sheet {
    pages: Vec<Content>,
    /// From the top of the page.
    y: f32,
    regular: Font,
    bold: Font,
}

impl Sheet {
    pub(super) const LEFT: f32 = MARGIN;
    pub(super) const ACROSS: f32 = WIDTH - 2.0 * MARGIN;

    pub(super) fn new() -> Self {
        let (regular, bold) = (Font::new(Weight::Regular), Font::new(Weight::Bold));
        Self { pages: vec![Content::new()], y: MARGIN, regular, bold }
    }

    pub(super) fn y(&self) -> f32 {
        self.y
    }

    pub(super) fn down(&mut self, by: f32) {
        self.y += by;
    }

    /// Whatever comes next has this much height on one page.
    pub(super) fn room(&mut self, height: f32) {
        if self.y + height > HEIGHT - FOOT {
            self.pages.push(Content::new());
            self.y = MARGIN;
        }
    }

    fn page(&mut self) -> &mut Content {
        if self.pages.is_empty() {
            self.pages.push(Content::new());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    fn font(&mut self, weight: Weight) -> &mut Font {
        match weight {
            Weight::Regular => &mut self.regular,
            Weight::Bold => &mut self.bold,
        }
    }

    pub(super) fn width(&mut self, weight: Weight, size: f32, text: &str) -> f32 {
        self.font(weight).width(text, size)
    }

    /// A line of words; `y` is that of its baseline, from the top.
    pub(super) fn text(&mut self, x: f32, y: f32, weight: Weight, size: f32, colour: Colour, text: &str) {
        let bytes = self.font(weight).encode(text);
        let [r, g, b] = colour;
        let page = self.page();
        page.begin_text();
        page.set_fill_rgb(r, g, b).set_font(weight.name(), size);
        page.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, HEIGHT - y]).show(Str(&bytes));
        page.end_text();
    }

    /// The same, ending at `x`.
    pub(super) fn text_to(&mut self, x: f32, y: f32, weight: Weight, size: f32, colour: Colour, text: &str) {
        let width = self.width(weight, size, text);
        self.text(x - width, y, weight, size, colour, text);
    }

    pub(super) fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        let [r, g, b] = colour;
        if width > 0.0 && height > 0.0 {
            self.page().set_fill_rgb(r, g, b).rect(x, HEIGHT - y - height, width, height).fill_nonzero();
        }
    }

    /// Words in lines that are not wider than this; a single word that is stays whole.
    pub(super) fn wrap(&mut self, weight: Weight, size: f32, width: f32, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if line.is_empty() || self.width(weight, size, &longer) <= width {
                line = longer;
            } else {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            }
        }
        lines.push(line);
        lines
    }

    /// Words over the width of the page.
    pub(super) fn paragraph(&mut self, weight: Weight, size: f32, colour: Colour, text: &str) {
        for line in self.wrap(weight, size, Self::ACROSS, text) {
            self.room(size * LEADING);
            self.y += size * LEADING;
            self.text(Self::LEFT, self.y - size * 0.3, weight, size, colour, &line);
        }
    }

    /// The beginning of something new, with at least `height` below it on the same page.
    pub(super) fn heading(&mut self, title: &str, note: &str, height: f32) {
        let lines = if note.is_empty() { 0 } else { self.wrap(Weight::Regular, 8.5, Self::ACROSS, note).len() };
        self.room(44.0 + lines as f32 * 12.0 + height);
        self.y += if self.y > MARGIN { 20.0 } else { 4.0 };
        self.paragraph(Weight::Bold, 12.5, INK, title);
        if !note.is_empty() {
            self.y += 1.0;
            self.paragraph(Weight::Regular, 8.5, SOFT, note);
        }
        self.y += 6.0;
    }

    /// A name, a bar of parts of the whole width, and a figure.
    pub(super) fn bar(&mut self, name: &str, parts: &[(f32, Colour)], figure: &str, note: &str) {
        const NAME: f32 = 150.0;
        const BAR: f32 = 210.0;
        let names = self.wrap(Weight::Regular, 9.0, NAME - 10.0, name);
        let height = (names.len() as f32 * 12.0).max(13.0) + 3.0;
        self.room(height);
        let mut y = self.y;
        for line in &names {
            y += 12.0;
            self.text(Self::LEFT, y - 3.0, Weight::Regular, 9.0, INK, line);
        }
        let mut x = Self::LEFT + NAME;
        self.rect(x, self.y + 2.5, BAR, 8.0, TRACK);
        for (share, colour) in parts {
            let width = share.clamp(0.0, 1.0) * BAR;
            self.rect(x, self.y + 2.5, width, 8.0, *colour);
            x += width;
        }
        let after = Self::LEFT + NAME + BAR + 8.0;
        self.text(after, self.y + 9.5, Weight::Bold, 9.0, INK, figure);
        let width = self.width(Weight::Bold, 9.0, figure);
        self.text(after + width + 6.0, self.y + 9.5, Weight::Regular, 8.0, SOFT, note);
        self.y += height;
    }

    /// A table; its head comes again on every page it runs over to.
    pub(super) fn table(&mut self, columns: &[Column], rows: &[Row]) {
        const SIZE: f32 = 8.8;
        self.head(columns);
        for row in rows {
            let weight = if row.is_sum { Weight::Bold } else { Weight::Regular };
            let indent = if row.dot.is_some() { 11.0 } else { 0.0 };
            let cells: Vec<Vec<String>> = columns
                .iter()
                .zip(&row.cells)
                .enumerate()
                .map(|(n, (column, cell))| {
                    let less = if n == 0 { indent } else { 0.0 };
                    self.wrap(weight, SIZE, column.share * Self::ACROSS - 8.0 - less, cell)
                })
                .collect();
            let note = match row.note.is_empty() {
                true => Vec::new(),
                false => self.wrap(Weight::Regular, 7.8, Self::ACROSS * 0.94 - indent, &row.note),
            };
            let lines = cells.iter().map(Vec::len).max().unwrap_or(1) as f32;
            let height = lines * 12.0 + note.len() as f32 * 10.5 + 7.0;
            if self.y + height > HEIGHT - FOOT {
                self.room(HEIGHT);
                self.head(columns);
            }
            let top = self.y;
            if let Some(colour) = row.dot {
                self.rect(Self::LEFT, top + 6.5, 6.0, 6.0, colour);
            }
            let mut x = Self::LEFT;
            for (n, (column, lines)) in columns.iter().zip(&cells).enumerate() {
                let width = column.share * Self::ACROSS;
                for (line, text) in lines.iter().enumerate() {
                    let y = top + 12.5 + line as f32 * 12.0;
                    match (column.is_figure, n) {
                        (true, _) => self.text_to(x + width - 4.0, y, weight, SIZE, INK, text),
                        (false, 0) => self.text(x + indent, y, weight, SIZE, INK, text),
                        (false, _) => self.text(x + 4.0, y, weight, SIZE, INK, text),
                    }
                }
                x += width;
            }
            for (n, line) in note.iter().enumerate() {
                let y = top + lines * 12.0 + 10.0 + n as f32 * 10.5;
                self.text(Self::LEFT + indent, y, Weight::Regular, 7.8, SOFT, line);
            }
            self.y += height;
            self.rect(Self::LEFT, self.y, Self::ACROSS, 0.5, LINE);
        }
    }

    fn head(&mut self, columns: &[Column]) {
        self.room(40.0);
        let mut x = Self::LEFT;
        for (n, column) in columns.iter().enumerate() {
            let width = column.share * Self::ACROSS;
            match column.is_figure {
                true => self.text_to(x + width - 4.0, self.y + 10.0, Weight::Regular, 7.8, SOFT, &column.title),
                false => {
                    let x = if n == 0 { x } else { x + 4.0 };
                    self.text(x, self.y + 10.0, Weight::Regular, 7.8, SOFT, &column.title);
                }
            }
            x += width;
        }
        self.y += 14.0;
        self.rect(Self::LEFT, self.y, Self::ACROSS, 0.8, SOFT);
    }

    /// The document: every page with `foot` and its number below.
    pub(super) fn finish(
        mut self,
        title: &str,
        lang: &str,
        foot: &str,
        number: impl Fn(usize, usize) -> String,
    ) -> Vec<u8> {
        let count = self.pages.len();
        let all = std::mem::take(&mut self.pages);
        let mut pages = Vec::with_capacity(count);
        for (n, page) in all.into_iter().enumerate() {
            self.pages = vec![page];
            self.rect(Self::LEFT, HEIGHT - 38.0, Self::ACROSS, 0.5, LINE);
            self.text(Self::LEFT, HEIGHT - 26.0, Weight::Regular, 7.8, SOFT, foot);
            self.text_to(WIDTH - MARGIN, HEIGHT - 26.0, Weight::Regular, 7.8, SOFT, &number(n + 1, count));
            pages.append(&mut self.pages);
        }
        let mut next = 0;
        let mut fresh = || {
            next += 1;
            Ref::new(next)
        };
        let (catalog, tree, info) = (fresh(), fresh(), fresh());
        let fonts: Vec<(Weight, [Ref; 5])> =
            Weight::ALL.iter().map(|weight| (*weight, std::array::from_fn(|_| fresh()))).collect();
        let kids: Vec<(Ref, Ref)> = pages.iter().map(|_| (fresh(), fresh())).collect();
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree).lang(TextStr(lang)).viewer_preferences().display_doc_title(true);
        pdf.document_info(info).title(TextStr(title)).creator(TextStr("Gudok"));
        pdf.pages(tree).kids(kids.iter().map(|kid| kid.0)).count(i32::try_from(count).unwrap_or(i32::MAX));
        for (content, (page, stream)) in pages.into_iter().zip(&kids) {
            let mut written = pdf.page(*page);
            written.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(*stream);
            let mut resources = written.resources();
            let mut named = resources.fonts();
            for (weight, refs) in &fonts {
                named.pair(weight.name(), refs[0]);
            }
            drop(named);
            drop(resources);
            drop(written);
            pdf.stream(*stream, &content.finish());
        }
        for (weight, refs) in fonts {
            self.font(weight).write(&mut pdf, weight, refs);
        }
        pdf.finish()
    }
}
