//! Which fold of the cross-validation every call of a corpus is in, one `id<TAB>fold` a line, so that another classifier
//! can be judged on the same splits: `cargo run -p understanding --example corpus_folds -- CORPUS`.

use std::path::Path;

use understanding::category::TrainOptions;
use understanding::category::corpus::Corpus;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: corpus_folds CORPUS")?;
    let corpus = Corpus::load(Path::new(&dir))?;
    let options = TrainOptions::default();
    for (call, fold) in corpus.calls.iter().zip(corpus.folds(options.folds, options.seed)) {
        println!("{}\t{fold}", call.id);
    }
    Ok(())
}
