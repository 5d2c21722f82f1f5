//! The two fonts of a document: how wide a text is, and what its glyphs stand for. Each is 68 KB and embedded whole.
//!
//! Golos Text (fonts/OFL.txt): drawn for Russian, with the signs of the currencies.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Name, Pdf, Rect, Ref, Str};
use ttf_parser::Face;

const REGULAR: &[u8] = include_bytes!("fonts/GolosText-Regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/GolosText-Bold.ttf");

/// How dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

impl Weight {
    pub(super) const ALL: [Self; 2] = [Self::Regular, Self::Bold];

    /// What it is called within the document.
    pub(super) fn name(self) -> Name<'static> {
        match self {
            Self::Regular => Name(b"F1"),
            Self::Bold => Name(b"F2"),
        }
    }
}

/// A font, and what was used of it.
pub(super) struct Font {
    data: &'static [u8],
    face: Face<'static>,
    /// What the used glyphs stand for.
    said: BTreeMap<u16, char>,
}

impl Font {
    pub(super) fn new(weight: Weight) -> Self {
        let data = match weight {
            Weight::Regular => REGULAR,
            Weight::Bold => BOLD,
        };
        let face = Face::parse(data, 0).expect("invariant: the fonts are part of the program, and a test reads them");
        Self { data, face, said: BTreeMap::new() }
    }

    /// A letter's glyph; what the font does not have is a question mark. A space that does not break looks like any.
    fn glyph(&self, letter: char) -> (char, ttf_parser::GlyphId) {
        let letter = if letter.is_whitespace() { ' ' } else { letter };
        match self.face.glyph_index(letter) {
            Some(glyph) => (letter, glyph),
            None => ('?', self.face.glyph_index('?').unwrap_or_default()),
        }
    }

    fn advance(&self, glyph: ttf_parser::GlyphId) -> f32 {
        let units = f32::from(self.face.units_per_em().max(1));
        f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) / units
    }

    /// In points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|letter| self.advance(self.glyph(letter).1)).sum::<f32>() * size
    }

    /// A text as the document's font knows it: two bytes a glyph.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len() * 2);
        for letter in text.chars() {
            let (letter, glyph) = self.glyph(letter);
            self.said.entry(glyph.0).or_insert(letter);
            bytes.extend(glyph.0.to_be_bytes());
        }
        bytes
    }

    /// Writes the font's objects under five references that follow one another; the first one is the font.
    pub(super) fn write(&self, pdf: &mut Pdf, weight: Weight, refs: [Ref; 5]) {
        const SYSTEM: SystemInfo<'static> =
            SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        let name = match weight {
            Weight::Regular => Name(b"GolosText-Regular"),
            Weight::Bold => Name(b"GolosText-Bold"),
        };
        let [font, cid, descriptor, file, cmap] = refs;
        pdf.type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(cmap);
        let widths = (0..self.face.number_of_glyphs()).map(|glyph| self.advance(ttf_parser::GlyphId(glyph)) * 1000.0);
        let mut cid_font = pdf.cid_font(cid);
        cid_font.subtype(CidFontType::Type2).base_font(name).system_info(SYSTEM).font_descriptor(descriptor);
        cid_font.default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        cid_font.widths().consecutive(0, widths);
        drop(cid_font);
        let scale = 1000.0 / f32::from(self.face.units_per_em().max(1));
        let scaled = |units: i16| f32::from(units) * scale;
        let all = self.face.global_bounding_box();
        let bounds = Rect::new(scaled(all.x_min), scaled(all.y_min), scaled(all.x_max), scaled(all.y_max));
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(bounds)
            .italic_angle(0.0)
            .ascent(scaled(self.face.ascender()))
            .descent(scaled(self.face.descender()))
            .cap_height(scaled(self.face.capital_height().unwrap_or_else(|| self.face.ascender())))
            .stem_v(if weight == Weight::Bold { 140.0 } else { 80.0 })
            .font_file2(file);
        pdf.stream(file, self.data).pair(Name(b"Length1"), i32::try_from(self.data.len()).unwrap_or(i32::MAX));
        let mut unicode = UnicodeCmap::new(Name(b"Gudok"), SYSTEM);
        for (glyph, letter) in &self.said {
            unicode.pair(*glyph, *letter);
        }
        pdf.cmap(cmap, &unicode.finish());
    }
}
