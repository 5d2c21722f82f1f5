//! Samples: codecs, resampling, voice activity, tones, mixing, WAV.
