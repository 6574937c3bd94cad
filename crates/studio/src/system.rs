//! The machine, the models on it, and the log of connections.

use likeness_recipe::Engine;

use crate::api::{Cache, ConnectionEntry, Connections, Models, Nothing, System};
use crate::queue::count;
use crate::{Studio, StudioError, models};

impl Studio {
    /// What runs here, and on what.
    pub fn system(&self, _: Nothing) -> Result<System, StudioError> {
        let shared = &self.shared;
        let memory = shared.engine.memory();
        let caches = shared.easel.caches().into_iter().map(|cache| Cache {
            name: cache.name,
            hits: cache.hits,
            misses: cache.misses,
            bytes: cache.bytes,
            limit: cache.limit,
        });
        Ok(System {
            version: shared.version.clone(),
            instruction_set: shared.engine.instruction_set(),
            device: shared.engine.device(),
            threads: count(shared.engine.threads() as u64),
            memory_total: memory.total,
            memory_free: memory.free,
            library: shared.folder.display().to_string(),
            caches: caches.collect(),
            pictures: count(shared.read(|reader| reader.pictures())?),
            unclean_end: shared.unclean_end,
        })
    }

    /// Which models there are, which of them run, and what each can do.
    pub fn models(&self, _: Nothing) -> Result<Models, StudioError> {
        let shared = &self.shared;
        let (free, loaded) = (shared.engine.memory().free, shared.easel.loaded());
        let found = models::list(&shared.model_places, &shared.engine).into_iter().map(|found| {
            let is_loaded = loaded.as_ref() == Some(&found.path);
            found.into_api(free, is_loaded)
        });
        let usual = models::usual(&shared.model_places, &shared.engine);
        Ok(Models {
            models: found.collect(),
            places: shared.model_places.iter().map(|place| place.display().to_string()).collect(),
            // That there is none is nothing that fails here.
            usual: usual.ok().map(|path| path.display().to_string()),
        })
    }

    /// Every connection ever made, and why.
    pub fn connections(&self, _: Nothing) -> Result<Connections, StudioError> {
        let entries = self.shared.read(|reader| reader.connections())?.into_iter();
        let entries = entries.map(|one| ConnectionEntry {
            at: one.at,
            what: one.connection.what,
            why: one.connection.why,
            address: one.connection.address,
            bytes: one.connection.bytes,
        });
        Ok(Connections { entries: entries.collect() })
    }
}
