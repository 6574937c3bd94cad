//! A finished picture goes into the library: its file, its row, and its job's end, all or nothing.

use likeness_library::{JobId, NewPicture, Parent, PictureId, store_file};
use likeness_picture::{DigitalSource, Format, PictureError, Said, encode_saying};
use likeness_recipe::{Rendered, Word};

use crate::StudioError;
use crate::api::{PictureCard, RenderRequest};
use crate::pictures::card;
use crate::prepare::Prepared;
use crate::queue::parents;
use crate::studio::Shared;

/// What a model's own list of words calls the things that pictures are of.
const SUBJECTS: &str = "subjects";

/// Keeps a draft that was shown.
pub(crate) fn draft(
    shared: &Shared,
    request: &RenderRequest,
    rendered: &Rendered,
    words: &[Word],
) -> Result<PictureCard, StudioError> {
    let bytes = file(rendered, shared.goes_on_from(request))?;
    let picture = picture(&bytes, rendered, parents(request)?, words)?;
    kept(shared, &picture)
}

/// Keeps the picture of a job, and ends the job with it.
pub(crate) fn job(
    shared: &Shared,
    request: &RenderRequest,
    prepared: &Prepared,
    rendered: &Rendered,
    job: JobId,
) -> Result<PictureCard, StudioError> {
    let bytes = file(rendered, shared.goes_on_from(request))?;
    let said = parents(request)?;
    let mut picture = picture(&bytes, rendered, said, &prepared.model.description.words)?;
    picture.job = Some(job);
    kept(shared, &picture)
}

/// Adds a picture and tells of it.
pub(crate) fn kept(shared: &Shared, picture: &NewPicture<'_>) -> Result<PictureCard, StudioError> {
    let (id, _) = add(shared, picture)?;
    shared.tell_pictures(&[id]);
    shared.thumbnails.wake();
    Ok(card(shared.read(|reader| reader.picture(id))?))
}

/// Adds a picture. Its file goes to the disk before the library is taken hold of, so that a key press
/// can queue a render meanwhile. Answers whether it was not to be seen there before.
pub(crate) fn add(
    shared: &Shared,
    picture: &NewPicture<'_>,
) -> Result<(PictureId, bool), StudioError> {
    let now = shared.now();
    let stored = store_file(&shared.folder, picture.bytes, picture.format, now)?;
    shared.write(|library| library.add_stored(picture, &stored, now))
}

/// A rendered picture as a file. `before` is what the picture that it goes on from says of how it came about.
pub(crate) fn file(
    rendered: &Rendered,
    before: Option<DigitalSource>,
) -> Result<Vec<u8>, StudioError> {
    let recipe = &rendered.recipe;
    let source = Some(DigitalSource::of_render(recipe, before));
    let said = Said { recipe: Some(recipe), before: None, source };
    encode_saying(&rendered.pixels, Format::Png, &said)
        .map_err(|error| StudioError::unwritable(&error))
}

/// The row for a rendered picture's file: what the file says of itself, as when it is found without a
/// row, with what only we know.
pub(crate) fn picture<'a>(
    bytes: &'a [u8],
    rendered: &Rendered,
    said: Vec<Parent>,
    words: &[Word],
) -> Result<NewPicture<'a>, StudioError> {
    let unreadable = |error: PictureError| StudioError::internal(error);
    let mut picture = NewPicture::read(bytes).map_err(unreadable)?;
    let found = std::mem::replace(&mut picture.parents, said);
    for parent in found {
        // How it was made from it has been said better.
        if picture.parents.iter().all(|one| one.id != parent.id) {
            picture.parents.push(parent);
        }
    }
    picture.seconds = Some(rendered.seconds.total);
    picture.changed = rendered.changed;
    picture.subject = subject(&rendered.recipe.prompt, words);
    Ok(picture)
}

/// The first thing in a prompt that the model knows by name.
pub(crate) fn subject(prompt: &str, words: &[Word]) -> Option<String> {
    let prompt = prompt.to_lowercase();
    let starts = words.iter().filter(|word| word.kind == SUBJECTS).filter_map(|word| {
        let place = find_word(&prompt, &word.text.to_lowercase())?;
        // Of two that begin at one place the longer one is meant: a soft ice cream is no ice.
        Some((place, std::cmp::Reverse(word.text.len()), &word.text))
    });
    starts.min().map(|(.., text)| text.clone())
}

/// Where `word` stands by itself.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word).map(|(place, _)| place).find(|&place| {
        let (before, rest) = text.split_at(place);
        alone(before.chars().next_back()) && alone(rest[word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_that_is_named_is_the_subject() {
        let word = |kind: &str, text: &str| Word { kind: kind.into(), text: text.into() };
        let words = [
            word("subjects", "fox"),
            word("subjects", "mug"),
            word("subjects", "ice"),
            word("subjects", "ice cream"),
            word("colours", "red"),
        ];
        let of = |prompt: &str| subject(prompt, &words);
        assert_eq!(of("a red Fox beside a mug").as_deref(), Some("fox"));
        assert_eq!(of("an ice cream").as_deref(), Some("ice cream"));
        assert_eq!(of("a foxglove"), None);
        assert_eq!(of("red"), None);
    }
}
