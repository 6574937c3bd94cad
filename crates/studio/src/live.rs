//! Live drafts: the picture of what is being typed, drawn again at each pause.
//!
//! There is one draft at a time. A new one stops the one before, within a step, and nothing of it is
//! stored: the queue does not know of it. The last one that was finished can be: the pixels that were
//! shown, not such as would come out again.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use likeness_recipe::{Rendered, Seconds, Watch, Word};

use crate::api::{Nothing, PictureCard, RenderEvent, RenderRequest, RequestOnly};
use crate::channel::{self, Channel, quick_png};
use crate::easel::{Canvas, Sitter, guarded, paint};
use crate::studio::{Shared, lock};
use crate::{ErrorCode, Studio, StudioError, keep};

/// Where the noise of a draft starts unless it is said: a draft that changed with the weather would
/// not show what a word does.
const SEED: &str = "0";

/// A draft that somebody looks at.
pub(crate) struct Draft {
    request: RenderRequest,
    channel: Mutex<Box<dyn Channel>>,
}

/// A draft that was finished.
pub(crate) struct Drafted {
    request: RenderRequest,
    rendered: Rendered,
    /// What its model knows.
    words: Vec<Word>,
}

impl Draft {
    fn tell(&self, event: &RenderEvent) {
        // One that has gone away is sorted out by the next draft or by `live_stop`.
        channel::tell(&**lock(&self.channel), event);
    }

    fn show(&self, png: &[u8]) {
        lock(&self.channel).bytes(channel::preview(0, png));
    }
}

impl Studio {
    /// Draws a draft at once, in place of the one before.
    pub fn live(
        &self,
        asked: RequestOnly,
        channel: Box<dyn Channel>,
    ) -> Result<Nothing, StudioError> {
        let mut request = asked.request;
        request.seed.get_or_insert_with(|| SEED.to_owned());
        request.count = 1;
        // A slip is answered at once, and the draft that is there stays.
        self.shared.prepare(&request)?;
        let draft = Draft { request, channel: Mutex::new(channel) };
        if let Some(replaced) = self.shared.easel.draw(Some(draft)) {
            replaced.tell(&RenderEvent::Cancelled { job: 0 });
        }
        Ok(Nothing {})
    }

    /// Stops drawing drafts.
    pub fn live_stop(&self, _: Nothing) -> Result<Nothing, StudioError> {
        if let Some(replaced) = self.shared.easel.draw(None) {
            replaced.tell(&RenderEvent::Cancelled { job: 0 });
        }
        Ok(Nothing {})
    }

    /// Stores the last draft that was finished, as it was shown.
    pub fn live_keep(&self, _: Nothing) -> Result<PictureCard, StudioError> {
        let shared = &self.shared;
        let Some(drafted) = shared.easel.drafted() else {
            let message = "no draft has been finished (accepted: one that is shown)";
            return Err(StudioError::new(ErrorCode::Usage, message));
        };
        let Drafted { request, rendered, words } = &*drafted;
        let card = keep::draft(shared, request, rendered, words)?;
        shared.write(|library| library.prompt_used(&request.prompt, shared.now()))?;
        Ok(card)
    }
}

/// Draws `draft` on the easel's thread. The last preview is the picture.
pub(crate) fn draw(
    shared: &Shared,
    canvas: &mut Option<Canvas>,
    draft: &Draft,
    cancel: &AtomicBool,
) {
    let tell = |event: &RenderEvent| draft.tell(event);
    let mut sitter =
        Sitter { job: 0, cancel, tell: &tell, show: &|png| draft.show(png), looks: &|| true };
    let drawn =
        guarded(shared, canvas, |canvas| paint(shared, canvas, &draft.request, &mut sitter));
    match drawn {
        Ok(_) if sitter.cancelled() => draft.tell(&RenderEvent::Cancelled { job: 0 }),
        Ok((prepared, rendered)) => {
            if let Some(png) = quick_png(&rendered.pixels) {
                draft.show(&png);
            }
            let Seconds { total: seconds, .. } = rendered.seconds;
            let seed = rendered.recipe.seed.to_string();
            let words = prepared.model.description.words;
            let drafted = Drafted { request: draft.request.clone(), rendered, words };
            // Before it is told: whoever hears of it may want to keep it.
            let number = shared.easel.set_drafted(drafted);
            draft.tell(&RenderEvent::Drafted { seconds, seed, draft: number.to_string() });
        }
        Err(error) if error.code == ErrorCode::Cancelled => {
            draft.tell(&RenderEvent::Cancelled { job: 0 });
        }
        Err(error) => draft.tell(&RenderEvent::Failed { job: 0, error }),
    }
}
