//! What is said of a request, beside its pictures: words that its model does not know, and an edit that
//! changed nothing. None of it is a failure.

use std::collections::BTreeMap;

use likeness_recipe::{NoteKind, PromptNote, ResolvedRecipe, Role};

/// What is said of `recipe`'s prompt, a line for each kind of thing.
pub fn lines(notes: &[PromptNote], model: &str) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Vec<&PromptNote>> = BTreeMap::new();
    for note in notes {
        let all = kinds.entry(note.kind.name()).or_default();
        if all.iter().all(|one| one.text != note.text) {
            all.push(note);
        }
    }
    kinds.into_values().map(|all| line(&all, model)).collect()
}

fn line(notes: &[&PromptNote], model: &str) -> String {
    let quoted = |text: &String| format!("{text:?}");
    let list = |all: &[String]| all.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let said: Vec<_> = notes.iter().map(|note| note.text.clone()).collect();
    let said = list(&said);
    if notes.iter().all(|note| note.kind == NoteKind::Weight) {
        let read: Vec<_> = notes.iter().flat_map(|note| note.known.clone()).collect();
        let read = list(&read);
        return format!(
            "prompt: {model} gives no word more weight than another: of {said} it reads {read}"
        );
    }
    let parts = notes.iter().filter(|note| !note.known.is_empty());
    let parts: Vec<_> =
        parts.map(|note| format!("; {:?} only as in {}", note.text, list(&note.known))).collect();
    format!(
        "prompt: {model} does not know {said}, and draws something else there{} \
         (likeness models --json lists what it knows)",
        parts.concat()
    )
}

/// What is said of an edit that changed so much of its picture: something only where that is nothing.
pub fn unchanged(recipe: &ResolvedRecipe, changed: Option<f64>) -> Option<String> {
    if changed != Some(0.0) {
        return None;
    }
    let mut could = vec!["other words"];
    let edited = recipe.references.first().filter(|one| one.role == Role::Edit);
    if edited.is_some_and(|one| one.guard == Some(true)) {
        could.push("--no-guard");
    }
    if recipe.init.as_ref().is_some_and(|init| init.strength < 1.0) {
        could.push("more --strength");
    }
    could.push(match &recipe.mask {
        Some(_) => "a larger --mask",
        None => "--init with the same picture and a --mask of what may change",
    });
    Some(format!(
        "nothing changed: every pixel is the source's own; what could be tried: {}",
        could.join(", ")
    ))
}
