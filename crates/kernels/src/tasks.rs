//! How a product is cut up, and where its rows go.

use std::ops::Range;

use crate::gemm::OVERHANG;
use crate::matrix::{Data, Matrix};
use crate::pool;

/// Rows of a task: few enough that they stay in a core's own cache with all their depth.
const TASK_ROWS: usize = 256;

/// The same where weights are unpacked for each task, which costs as much as multiplying them with
/// hundreds of rows.
const UNPACKED_ROWS: usize = 768;

/// Where rows of a product go: of every `line` of them the first `width` are kept.
pub(crate) struct Place {
    pub line: usize,
    pub width: usize,
    /// Lines of the result above the first of these.
    pub above: usize,
    /// For a result of twice as many lines and columns: which of each two lines, and of each two
    /// columns, these are.
    pub parity: Option<[usize; 2]>,
}

impl Place {
    pub(crate) fn rows(m: usize) -> Self {
        Self { line: m, width: m, above: 0, parity: None }
    }

    /// Which rows of the result those of the product are, one after the other.
    pub(crate) fn all(&self, rows: Range<usize>) -> impl Iterator<Item = Option<usize>> {
        let (mut y, mut x) = (self.above + rows.start / self.line, rows.start % self.line);
        rows.map(move |_| {
            let row = (x < self.width).then(|| match self.parity {
                None => y * self.width + x,
                Some([below, right]) => 2 * ((2 * y + below) * self.width + x) + right,
            });
            x += 1;
            if x == self.line {
                (y, x) = (y + 1, 0);
            }
            row
        })
    }

    /// Those that are kept.
    pub(crate) fn kept(&self, rows: Range<usize>) -> impl Iterator<Item = usize> {
        self.all(rows).flatten()
    }
}

/// How a product is cut up. It depends on the shape alone, and no cut goes through depth.
pub(crate) struct Tasks {
    m: usize,
    /// Of a task.
    pub rows: usize,
    panels: usize,
    group: usize,
}

impl Tasks {
    /// Tasks of whole groups of panels that are wanted together.
    pub(crate) fn of(m: usize, w: &Matrix, together: usize) -> Self {
        let panels = w.panels();
        let most = if let Data::Blocks { .. } = w.data { UNPACKED_ROWS } else { TASK_ROWS };
        let rows = if m <= most {
            m.next_multiple_of(OVERHANG)
        } else {
            m.div_ceil(m.div_ceil(most)).next_multiple_of(OVERHANG)
        };
        let blocks = m.div_ceil(rows);
        // Several tasks for each thread, so that one that is held up does not hold up all.
        let groups = (8 * pool::threads()).div_ceil(blocks).clamp(1, panels);
        Self { m, rows, panels, group: panels.div_ceil(groups).next_multiple_of(together) }
    }

    /// Blocks of rows.
    pub(crate) fn blocks(&self) -> usize {
        self.m.div_ceil(self.rows)
    }

    /// Whether rows are one task's with all their panels.
    pub(crate) fn have_all_panels(&self) -> bool {
        self.group >= self.panels
    }

    pub(crate) fn count(&self) -> usize {
        self.m.div_ceil(self.rows) * self.panels.div_ceil(self.group)
    }

    /// First and last row, and the panels. Tasks that follow one another share their rows.
    pub(crate) fn task(&self, index: usize) -> (usize, usize, Range<usize>) {
        let groups = self.panels.div_ceil(self.group);
        let (block, group) = (index / groups, index % groups);
        let from = block * self.rows;
        let panels = group * self.group..((group + 1) * self.group).min(self.panels);
        (from, (from + self.rows).min(self.m), panels)
    }
}
