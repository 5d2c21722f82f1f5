//! Whisper weights from CTranslate2's format into ggml's, quantised to eight bits on the way.
//!
//! Package registries have Whisper for CTranslate2; whisper.cpp reads ggml. Both layouts are those of the projects' own
//! sources: `model_spec.py` of CTranslate2 (version 6 of the format) and `whisper.cpp`'s loader. Two-dimensional weights
//! become q8_0 (blocks of 32 values with one half-precision scale), convolutions stay half precision, the rest is single.

use std::collections::BTreeMap;
use std::io::Write;

use half::f16;

use super::mel;

/// Writes a ggml model from the bytes of `model.bin` and the lines of `vocabulary.txt`.
///
/// The error says what in the input was not as expected.
pub fn convert(model: &[u8], vocabulary: &str, out: &mut dyn Write) -> Result<(), ConvertError> {
    let tensors = Tensors::parse(model)?;
    let shape = Shape::of(&tensors)?;
    let mut out = Sink { out };
    shape.write(&mut out)?;
    mel::write_filters(shape.mels as usize, |value| out.f32(value))?;
    write_tokens(vocabulary, &mut out)?;
    for (ours, theirs, part) in names(&shape) {
        write_tensor(&tensors, &ours, &theirs, part, &mut out)?;
    }
    Ok(())
}

/// Why a model could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The input is not what it should be.
    #[error("this is not a Whisper model for CTranslate2: {0}")]
    Input(String),
    /// The output could not be written.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// Number of byte-pair tokens of the multilingual vocabulary; languages and times after them are known to whisper.cpp.
const TEXT_TOKENS: usize = 50_257;
/// Quantisation version 2, file type 7: q8_0.
const FTYPE_Q8_0: i32 = 2_007;
const MAGIC: u32 = 0x6767_6d6c;
const TYPE_F32: i32 = 0;
const TYPE_F16: i32 = 1;
const TYPE_Q8_0: i32 = 8;
const BLOCK: usize = 32;

/// Which third (query, key, value) of a fused matrix a tensor is.
type Part = Option<(usize, usize)>;

struct Tensor<'a> {
    dims: Vec<usize>,
    // 1 = i8, 2 = i16, 4 = f16 as numbered by CTranslate2.
    kind: u8,
    data: &'a [u8],
}

struct Tensors<'a>(BTreeMap<String, Tensor<'a>>);

impl<'a> Tensors<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Tensors<'a>, ConvertError> {
        let mut reader = Reader(bytes);
        let version = reader.u32()?;
        let spec = reader.string()?;
        if version != 6 || spec != "WhisperSpec" {
            return Err(input(format!("format {version}, `{spec}`, where 6, `WhisperSpec` was expected")));
        }
        let _revision = reader.u32()?;
        let mut tensors = BTreeMap::new();
        for _ in 0..reader.u32()? {
            let name = reader.string()?;
            let dims =
                (0..reader.u8()?).map(|_| Ok(reader.u32()? as usize)).collect::<Result<Vec<_>, ConvertError>>()?;
            let kind = reader.u8()?;
            let length = reader.u32()? as usize;
            tensors.insert(name, Tensor { dims, kind, data: reader.bytes(length)? });
        }
        Ok(Tensors(tensors))
    }

    fn get(&self, name: &str) -> Result<&Tensor<'a>, ConvertError> {
        self.0.get(name).ok_or_else(|| input(format!("there is no tensor `{name}`")))
    }

    fn layers(&self, side: &str) -> usize {
        (0..).take_while(|i| self.0.contains_key(&format!("{side}/layer_{i}/ffn/linear_0/weight"))).count()
    }
}

impl Tensor<'_> {
    fn dim(&self, at: usize) -> Result<i32, ConvertError> {
        let dim = self.dims.get(at).ok_or_else(|| input("a tensor has too few dimensions".into()))?;
        i32::try_from(*dim).map_err(|_| input("a tensor is too large".into()))
    }

    fn halves(&self) -> Result<Vec<f32>, ConvertError> {
        if self.kind != 4 || self.data.len() != 2 * self.dims.iter().product::<usize>() {
            return Err(input("the weights are not in half precision".into()));
        }
        Ok(self.data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect())
    }
}

/// Sizes of a model.
struct Shape {
    vocabulary: i32,
    audio_context: i32,
    state: i32,
    heads: i32,
    audio_layers: i32,
    text_context: i32,
    text_layers: i32,
    mels: i32,
}

impl Shape {
    fn of(tensors: &Tensors<'_>) -> Result<Shape, ConvertError> {
        let heads = tensors.get("encoder/num_heads")?;
        let heads = match (heads.kind, heads.data) {
            (1, [n]) => i32::from(*n),
            (2, [low, high]) => i32::from(i16::from_le_bytes([*low, *high])),
            _ => return Err(input("the number of heads cannot be read".into())),
        };
        let embeddings = tensors.get("decoder/embeddings/weight")?;
        Ok(Shape {
            vocabulary: embeddings.dim(0)?,
            state: embeddings.dim(1)?,
            audio_context: tensors.get("encoder/position_encodings/encodings")?.dim(0)?,
            heads,
            audio_layers: tensors.layers("encoder") as i32,
            text_context: tensors.get("decoder/position_encodings/encodings")?.dim(0)?,
            text_layers: tensors.layers("decoder") as i32,
            mels: tensors.get("encoder/conv1/weight")?.dim(1)?,
        })
    }

    fn write(&self, out: &mut Sink<'_>) -> std::io::Result<()> {
        out.i32(MAGIC as i32)?;
        for value in [
            self.vocabulary,
            self.audio_context,
            self.state,
            self.heads,
            self.audio_layers,
            self.text_context,
            self.state,
            self.heads,
            self.text_layers,
            self.mels,
            FTYPE_Q8_0,
        ] {
            out.i32(value)?;
        }
        Ok(())
    }
}

/// All tensors: the name whisper.cpp gives, the one CTranslate2 gives, and the part where one holds several.
fn names(shape: &Shape) -> Vec<(String, String, Part)> {
    let mut names: Vec<(String, String, Part)> = Vec::new();
    let mut add = |ours: String, theirs: String, part: Part| names.push((ours, theirs, part));
    for conv in ["conv1", "conv2"] {
        for what in ["weight", "bias"] {
            add(format!("encoder.{conv}.{what}"), format!("encoder/{conv}/{what}"), None);
        }
    }
    for (side, norm, layers) in [("encoder", "ln_post", shape.audio_layers), ("decoder", "ln", shape.text_layers)] {
        add(format!("{side}.positional_embedding"), format!("{side}/position_encodings/encodings"), None);
        for (ours, theirs) in [("weight", "gamma"), ("bias", "beta")] {
            add(format!("{side}.{norm}.{ours}"), format!("{side}/layer_norm/{theirs}"), None);
        }
        for layer in 0..layers {
            let (ours, theirs) = (format!("{side}.blocks.{layer}"), format!("{side}/layer_{layer}"));
            let mut norms = vec![("mlp_ln", "ffn"), ("attn_ln", "self_attention")];
            if side == "decoder" {
                norms.push(("cross_attn_ln", "attention"));
            }
            for (our_norm, block) in norms {
                add(format!("{ours}.{our_norm}.weight"), format!("{theirs}/{block}/layer_norm/gamma"), None);
                add(format!("{ours}.{our_norm}.bias"), format!("{theirs}/{block}/layer_norm/beta"), None);
            }
            for what in ["weight", "bias"] {
                add(format!("{ours}.mlp.0.{what}"), format!("{theirs}/ffn/linear_0/{what}"), None);
                add(format!("{ours}.mlp.2.{what}"), format!("{theirs}/ffn/linear_1/{what}"), None);
                let fused = format!("{theirs}/self_attention/linear_0/{what}");
                let out = format!("{theirs}/self_attention/linear_1/{what}");
                add(format!("{ours}.attn.query.{what}"), fused.clone(), Some((0, 3)));
                // Whisper's keys have no bias; the fused one holds zeros there.
                if what == "weight" {
                    add(format!("{ours}.attn.key.{what}"), fused.clone(), Some((1, 3)));
                }
                add(format!("{ours}.attn.value.{what}"), fused, Some((2, 3)));
                add(format!("{ours}.attn.out.{what}"), out, None);
                if side == "decoder" {
                    let query = format!("{theirs}/attention/linear_0/{what}");
                    let fused = format!("{theirs}/attention/linear_1/{what}");
                    add(format!("{ours}.cross_attn.query.{what}"), query, None);
                    if what == "weight" {
                        add(format!("{ours}.cross_attn.key.{what}"), fused.clone(), Some((0, 2)));
                    }
                    add(format!("{ours}.cross_attn.value.{what}"), fused, Some((1, 2)));
                    add(format!("{ours}.cross_attn.out.{what}"), format!("{theirs}/attention/linear_2/{what}"), None);
                }
            }
        }
    }
    add("decoder.token_embedding.weight".into(), "decoder/embeddings/weight".into(), None);
    names
}

fn write_tensor(
    tensors: &Tensors<'_>,
    ours: &str,
    theirs: &str,
    part: Part,
    out: &mut Sink<'_>,
) -> Result<(), ConvertError> {
    let tensor = tensors.get(theirs)?;
    let mut values = tensor.halves()?;
    let mut dims = tensor.dims.clone();
    if let (Some((index, of)), Some(rows)) = (part, dims.first_mut()) {
        let each = values.len() / of;
        values = values[index * each..(index + 1) * each].to_vec();
        *rows /= of;
    }
    if ours.ends_with("conv1.bias") || ours.ends_with("conv2.bias") {
        // Added to every column of a convolution's output, hence a column itself.
        dims.push(1);
    }
    let kind = match dims.len() {
        3 => TYPE_F16,
        2 if ours.ends_with("weight") && dims[1].is_multiple_of(BLOCK) => TYPE_Q8_0,
        _ => TYPE_F32,
    };
    out.i32(dims.len() as i32)?;
    out.i32(ours.len() as i32)?;
    out.i32(kind)?;
    for dim in dims.iter().rev() {
        out.i32(*dim as i32)?;
    }
    out.bytes(ours.as_bytes())?;
    let data: Vec<u8> = match kind {
        TYPE_F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        TYPE_Q8_0 => q8_0(&values),
        _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    out.bytes(&data)?;
    Ok(())
}

/// Blocks of 32 signed bytes under a common half-precision scale (`quantize_row_q8_0_ref`).
fn q8_0(values: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() / BLOCK * (BLOCK + 2));
    for block in values.chunks_exact(BLOCK) {
        let scale = block.iter().fold(0f32, |max, v| max.max(v.abs())) / 127.0;
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        out.extend(f16::from_f32(scale).to_le_bytes());
        out.extend(block.iter().map(|v| (v * inverse).round() as i8 as u8));
    }
    out
}

fn write_tokens(vocabulary: &str, out: &mut Sink<'_>) -> Result<(), ConvertError> {
    let tokens: Vec<&str> = vocabulary.lines().take(TEXT_TOKENS).collect();
    if tokens.len() < TEXT_TOKENS {
        return Err(input(format!("the vocabulary has {} lines, where {TEXT_TOKENS} are needed", tokens.len())));
    }
    let alphabet = byte_alphabet();
    out.i32(TEXT_TOKENS as i32)?;
    for token in tokens {
        let bytes: Vec<u8> = token
            .chars()
            .map(|c| alphabet.get(&c).copied())
            .collect::<Option<_>>()
            .ok_or_else(|| input(format!("the token `{token}` is not in the byte alphabet of GPT-2")))?;
        out.i32(bytes.len() as i32)?;
        out.bytes(&bytes)?;
    }
    Ok(())
}

/// GPT-2 writes every byte as a printable character; those that have none are moved behind U+0100, in order.
fn byte_alphabet() -> BTreeMap<char, u8> {
    let mut moved = 0x100u32;
    (0..=255u8)
        .filter_map(|byte| {
            let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let code = if printable {
                u32::from(byte)
            } else {
                moved += 1;
                moved - 1
            };
            Some((char::from_u32(code)?, byte))
        })
        .collect()
}

struct Sink<'a> {
    out: &'a mut dyn Write,
}

impl Sink<'_> {
    fn i32(&mut self, value: i32) -> std::io::Result<()> {
        self.out.write_all(&value.to_le_bytes())
    }

    fn f32(&mut self, value: f32) -> std::io::Result<()> {
        self.out.write_all(&value.to_le_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], ConvertError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or_else(|| input("the file ends early".into()))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ConvertError> {
        self.bytes(N)?.try_into().map_err(|_| input("the file ends early".into()))
    }

    fn u8(&mut self) -> Result<u8, ConvertError> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, ConvertError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn string(&mut self) -> Result<String, ConvertError> {
        let length = u16::from_le_bytes(self.array()?) as usize;
        let bytes = self.bytes(length)?;
        Ok(String::from_utf8_lossy(bytes.strip_suffix(&[0]).unwrap_or(bytes)).into_owned())
    }
}

fn input(what: String) -> ConvertError {
    ConvertError::Input(what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantised_values_come_back_within_half_a_step() {
        let values: Vec<f32> = (0..64).map(|i| ((i * 37) % 64) as f32 / 10.0 - 3.2).collect();
        let bytes = q8_0(&values);
        assert_eq!(bytes.len(), 68);
        for (block, bytes) in values.chunks(32).zip(bytes.chunks(34)) {
            let scale = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
            for (value, byte) in block.iter().zip(&bytes[2..]) {
                assert!((value - scale * f32::from(*byte as i8)).abs() <= scale * 0.6);
            }
        }
        assert_eq!(q8_0(&[0.0; 32]), [0; 34]);
    }

    #[test]
    fn the_byte_alphabet_is_that_of_gpt2() {
        let alphabet = byte_alphabet();
        assert_eq!(alphabet.len(), 256);
        assert_eq!((alphabet[&'Ġ'], alphabet[&'Ċ'], alphabet[&'a'], alphabet[&'Ð']), (b' ', b'\n', b'a', 0xd0));
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let mut out = Vec::new();
        let error = convert(b"not a model at all", "", &mut out).expect_err("refused").to_string();
        assert!(error.starts_with("this is not a Whisper model for CTranslate2: "), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..60) {
            let mut model = b"\x06\0\0\0\x0c\0WhisperSpec\0\x03\0\0\0\x02\0\0\0".to_vec();
            model.truncate(model.len().saturating_sub(cut));
            model.extend(bytes);
            prop_assert!(convert(&model, "a\nb", &mut Vec::new()).is_err());
        }
    }
}
