//! `marquetry explain` and `marquetry schema`.

use std::process::ExitCode;

use super::args::Explain;
use super::done;
use super::ui::Ui;
use crate::diag::{Code, codes, nearest};
use crate::error::{Error, Result};
use crate::kinds::GUIDES;
use crate::project::schema;

/// Prints the long form of a code, or the reference page of a kind.
pub fn explain(explain: &Explain, ui: &Ui) -> Result<ExitCode> {
    let Some(topic) = &explain.topic else {
        GUIDES.iter().for_each(|(name, _)| ui.print(name));
        codes::ALL.iter().for_each(|(code, title)| ui.print(&format!("{code}  {title}")));
        return done();
    };
    if let Some((_, guide)) = GUIDES.iter().find(|(name, _)| name == topic) {
        ui.print(guide.trim_end());
        return done();
    }
    let text = Code::parse(topic).and_then(Code::explanation);
    let text = text.ok_or_else(|| {
        if let Some((below, above)) = Code::around(topic) {
            let near: Vec<String> = below.into_iter().chain(above).map(|code| format!("`{code}`")).collect();
            let error = Error::project(format!("`{topic}` is not a code"));
            return error
                .with_hint(format!("next to it are {}; `marquetry explain` lists them all", near.join(" and ")));
        }
        let error = Error::project(format!("there is neither a code nor a kind `{topic}`"));
        match nearest(topic, GUIDES.iter().map(|(name, _)| *name)) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint("`marquetry explain` lists them"),
        }
    })?;
    ui.print(text.trim_end());
    done()
}

/// Prints the JSON Schema of the language.
pub fn schema(ui: &Ui) -> Result<ExitCode> {
    ui.print(schema::text()?.trim_end());
    done()
}
