//! Why the last render took as long as it did.

use likeness_recipe::{Engine, Peak, Rendered, Work, roofline};

use crate::api::{MachinePeak, RenderWork, Roofline, RooflineRequest, WorkRow};
use crate::studio::{Shared, lock};
use crate::{Studio, StudioError};

/// What the last render consisted of.
#[derive(Debug, Clone)]
pub(crate) struct Last {
    /// With no rows yet: their limits are not known until somebody asks.
    told: RenderWork,
    work: Vec<Work>,
}

impl Last {
    pub fn of(job: i64, rendered: &Rendered) -> Self {
        let (recipe, seconds) = (&rendered.recipe, &rendered.seconds);
        let told = RenderWork {
            job,
            model: recipe.model.name.clone(),
            width: recipe.width,
            height: recipe.height,
            steps: recipe.steps,
            precision: recipe.precision.to_string(),
            seconds: seconds.total,
            load_seconds: seconds.load,
            rows: Vec::new(),
        };
        Self { told, work: rendered.work.clone() }
    }

    fn beside(self, peak: Option<&Peak>) -> RenderWork {
        let rows = roofline(&self.work, peak);
        RenderWork { rows: rows.iter().map(WorkRow::from).collect(), ..self.told }
    }
}

impl Studio {
    /// Why the last render took as long as it did.
    pub fn roofline(&self, asked: RooflineRequest) -> Result<Roofline, StudioError> {
        let peak = self.shared.peak(asked.measure)?;
        let easel = &self.shared.easel;
        Ok(Roofline {
            render: easel.last().map(|last| last.beside(peak.as_ref())),
            machine: peak.as_ref().map(MachinePeak::from),
            busy: easel.busy(),
        })
    }
}

impl Shared {
    /// What the machine can do, measured once.
    fn peak(&self, measure: bool) -> Result<Option<Peak>, StudioError> {
        let mut known = lock(&self.peak);
        if known.is_none() && measure && !self.easel.busy() {
            let peak = self.engine.peak()?;
            // A render that began meanwhile had its share of the machine.
            *known = Some(peak).filter(|_| !self.easel.busy());
        }
        Ok(*known)
    }
}
