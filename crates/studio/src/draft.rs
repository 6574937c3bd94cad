//! What is being written, which a library keeps for the next time: it names pictures of that library, and
//! means nothing in another one.

use likeness_library::AnyId;

use crate::api::{Draft, Nothing, RenderRequest};
use crate::studio::Shared;
use crate::{Studio, StudioError};

const DRAFT: &str = "draft";

/// Most bytes of one: a brief of many pages fits.
const BYTES: usize = 256 * 1024;

impl Studio {
    /// What was being written in this library, without pictures that are not there any more.
    pub fn draft(&self, _: Nothing) -> Result<Draft, StudioError> {
        let text = self.shared.read(|reader| reader.setting(DRAFT))?;
        // One of another version that is not understood is none.
        let kept: Option<Draft> = text.and_then(|text| serde_json::from_str(&text).ok());
        let Draft { request, locked } = kept.unwrap_or_default();
        let request = request.map(|request| with_what_is_there(&self.shared, request));
        Ok(Draft { request: request.transpose()?, locked })
    }

    /// Keeps what is being written.
    pub fn draft_set(&self, asked: Draft) -> Result<Nothing, StudioError> {
        let text = serde_json::to_string(&asked).map_err(StudioError::internal)?;
        if text.len() > BYTES {
            let problem = format!("it has {} bytes", text.len());
            return Err(StudioError::field("request", problem, format!("at most {BYTES}")));
        }
        self.shared.write(|library| library.set_setting(DRAFT, &text))?;
        Ok(Nothing {})
    }
}

fn with_what_is_there(
    shared: &Shared,
    mut request: RenderRequest,
) -> Result<RenderRequest, StudioError> {
    let named = request.references.iter().map(|reference| &reference.asset);
    let named = named.chain(request.init.iter().map(|init| &init.asset));
    let named = named.chain(request.mask.iter().map(|mask| &mask.asset));
    let named: Vec<_> = named.chain(request.parents.iter().map(|parent| &parent.id)).collect();
    let there: Vec<String> = shared.read(|reader| {
        let is_there = |name: &&String| {
            name.parse::<AnyId>().is_ok_and(|id| match reader.asset(id) {
                Ok(_) => true,
                Err(likeness_library::LibraryError::NotFound { .. }) => false,
                // What cannot be read now may be there, and is not forgotten for it.
                Err(_) => true,
            })
        };
        Ok(named.into_iter().filter(is_there).cloned().collect())
    })?;
    request.references.retain(|reference| there.contains(&reference.asset));
    request.parents.retain(|parent| there.contains(&parent.id));
    request.init = request.init.filter(|init| there.contains(&init.asset));
    // A mask says where a picture may change, and nothing without it.
    let masked = request.init.is_some();
    request.mask = request.mask.filter(|mask| masked && there.contains(&mask.asset));
    Ok(request)
}
