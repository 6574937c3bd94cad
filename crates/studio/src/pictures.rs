//! Pictures as they are found, looked at, and taken apart.

use likeness_library::{self as library, PictureId, PictureRow, Reader};
use likeness_picture::{Format, Limits, decode, read_file, read_metadata, read_picture};
use likeness_recipe::ResolvedRecipe;

use crate::api::{
    Facets, FacetsRequest, Filter, Ids, Lineage, LineageEdge, NameCount, OneId, Order, Page,
    PageRequest, ParentChoice, PictureCard, PictureDetail, PictureFile, Relation, RenderRequest,
    SizeCount, Spread,
};
use crate::channel::quick_png;
use crate::models::plain_name;
use crate::queue::count;
use crate::spread::{Gist, spread};
use crate::{Studio, StudioError, foreign};

/// Pictures that are compared with one another at most: pairs grow with the square.
const COMPARED: usize = 32;

/// Characters of a prompt that a grid shows; the detail has all of them.
const CARD_PROMPT: usize = 300;

impl Studio {
    /// A stretch of the pictures that a filter lets through.
    pub fn pictures(&self, asked: PageRequest) -> Result<Page, StudioError> {
        let after = asked.after.as_deref().map(str::parse).transpose()?;
        let filter = filter(asked.filter);
        let page = self.shared.read(|reader| reader.page(&filter, after, asked.limit))?;
        Ok(Page {
            items: page.items.into_iter().map(card).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
            total: count(page.total),
        })
    }

    /// What there is to filter by.
    pub fn facets(&self, asked: FacetsRequest) -> Result<Facets, StudioError> {
        let facets = self.shared.read(|reader| reader.facets(asked.trashed))?;
        let named = |all: Vec<(String, u64)>| {
            all.into_iter().map(|(name, n)| NameCount { name, count: count(n) }).collect()
        };
        let sizes = facets.sizes.into_iter();
        Ok(Facets {
            models: named(facets.models),
            sizes: sizes
                .map(|(width, height, n)| SizeCount { width, height, count: count(n) })
                .collect(),
            subjects: named(facets.subjects),
            tags: named(facets.tags),
        })
    }

    /// All that is known of a picture.
    pub fn picture(&self, asked: OneId) -> Result<PictureDetail, StudioError> {
        let id: PictureId = asked.id.parse()?;
        let mut detail = self.shared.read(|reader| detail(reader, id))?;
        detail.settings = self.settings_in(&detail.file.path);
        Ok(detail)
    }

    /// What a picture came from, and what came from it, all the way.
    pub fn lineage(&self, asked: OneId) -> Result<Lineage, StudioError> {
        let id: PictureId = asked.id.parse()?;
        let lineage = self.shared.read(|reader| reader.lineage(id))?;
        let edges = lineage.edges.into_iter().map(|edge| LineageEdge {
            parent: edge.parent.hex(),
            child: edge.child.hex(),
            relation: edge.relation.into(),
        });
        Ok(Lineage {
            edges: edges.collect(),
            nodes: lineage.pictures.into_iter().map(card).collect(),
        })
    }

    /// How different some pictures are, measured.
    pub fn spread(&self, asked: Ids) -> Result<Spread, StudioError> {
        if asked.ids.len() > COMPARED {
            let problem = format!("{} pictures are too many to compare", asked.ids.len());
            return Err(StudioError::field("ids", problem, format!("at most {COMPARED}")));
        }
        let gists = asked.ids.into_iter().map(|id| {
            let path = self.shared.read(|reader| reader.asset_path(id.parse()?))?;
            let picture = read_picture(&path, &Limits::default())
                .map_err(|error| StudioError::input(&path, error))?;
            Ok((id, Gist::of(&picture.pixels)))
        });
        Ok(spread(&gists.collect::<Result<Vec<_>, StudioError>>()?))
    }

    /// What another program wrote into a picture. A file that cannot be read any more says nothing; that
    /// it is gone is for the check of the library to tell.
    fn settings_in(&self, path: &str) -> Option<crate::api::ForeignSettings> {
        let bytes = read_file(path.as_ref(), Limits::default().bytes).ok()?;
        let metadata = read_metadata(&bytes).ok()?;
        foreign::settings(&self.shared, &metadata)
    }
}

/// Most pictures made from one that are told with it: a mug may have been looked at for thousands.
const CHILDREN: u32 = 24;

fn detail(reader: &Reader, id: PictureId) -> library::Result<PictureDetail> {
    let row = reader.picture(id)?;
    let resolved = reader.recipe_of(id)?;
    let parents = reader.parents_of(id)?;
    let (children, children_count) = reader.children(id, CHILDREN)?;
    let recipe = resolved.as_deref().and_then(|text| ResolvedRecipe::from_json(text).ok());
    let choices = parents
        .iter()
        .map(|parent| ParentChoice { id: parent.id.hex(), relation: parent.relation.into() })
        .collect();
    Ok(PictureDetail {
        file: PictureFile {
            path: row.path.display().to_string(),
            bytes: row.bytes,
            format: format_name(row.format).to_owned(),
        },
        recipe: recipe.map(|recipe| RenderRequest::of_recipe(&recipe, choices)),
        resolved,
        negative: row.negative.clone(),
        seconds: row.seconds,
        changed: reader.changed_of(id)?,
        tags: reader.tags_of(id)?,
        boards: reader.boards_of(id)?,
        parents: reader.parents(id)?.into_iter().map(card).collect(),
        children: children.into_iter().map(card).collect(),
        children_count: u32::try_from(children_count).unwrap_or(u32::MAX),
        settings: None,
        card: whole_card(row),
    })
}

/// A row as a grid shows it.
pub(crate) fn card(row: PictureRow) -> PictureCard {
    let mut card = whole_card(row);
    if let Some((end, _)) = card.prompt.char_indices().nth(CARD_PROMPT) {
        card.prompt.truncate(end);
        card.prompt.push('…');
    }
    card
}

fn whole_card(row: PictureRow) -> PictureCard {
    PictureCard {
        id: row.id.hex(),
        width: row.width,
        height: row.height,
        created_at: row.created_at,
        rating: row.rating,
        alpha: row.alpha,
        prompt: row.prompt,
        seed: row.seed.map(|seed| seed.to_string()),
        // It can be taken into a request from here.
        model: row.model.as_deref().and_then(plain_name),
        subject: row.subject,
        source: row.source,
        trashed_at: row.trashed_at,
        parents: row.parents,
        run: row.run,
        enlarged: row.enlarged,
    }
}

pub(crate) fn filter(filter: Filter) -> library::Filter {
    library::Filter {
        text: filter.text,
        model: filter.model,
        min_rating: filter.min_rating,
        board: filter.board,
        tag: filter.tag,
        subject: filter.subject,
        run: filter.run,
        width: filter.width,
        height: filter.height,
        from: filter.from,
        to: filter.to,
        trashed: filter.trashed,
        order: match filter.order {
            Order::Newest => library::Order::Newest,
            Order::Oldest => library::Order::Oldest,
            Order::Best => library::Order::Best,
        },
    }
}

/// A picture file as a window can show it: one of a format that pages do not know, or would show moving,
/// as a PNG of what it is here. What cannot be read stays as it is.
pub fn as_shown(bytes: Vec<u8>) -> Vec<u8> {
    match Format::of_content(&bytes) {
        Ok(format) if !format.is_written() => {
            let decoded = decode(&bytes, &Limits::default()).ok();
            decoded.and_then(|decoded| quick_png(&decoded.pixels)).unwrap_or(bytes)
        }
        _ => bytes,
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Png => "png",
        Format::Jpeg => "jpeg",
        Format::WebP => "webp",
        Format::Gif => "gif",
        Format::Tiff => "tiff",
        Format::Bmp => "bmp",
    }
}

impl From<library::Relation> for Relation {
    fn from(relation: library::Relation) -> Self {
        match relation {
            library::Relation::Variation => Self::Variation,
            library::Relation::Edit => Self::Edit,
            library::Relation::Reference => Self::Reference,
            library::Relation::Remix => Self::Remix,
            library::Relation::Enlargement => Self::Enlargement,
        }
    }
}

impl From<Relation> for library::Relation {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Variation => Self::Variation,
            Relation::Edit => Self::Edit,
            Relation::Reference => Self::Reference,
            Relation::Remix => Self::Remix,
            Relation::Enlargement => Self::Enlargement,
        }
    }
}
