//! What a picture says in a way that machines read of how it came about: IPTC's DigitalSourceType, in
//! a packet of XMP. Platforms, search engines and archives look for it there.
//!
//! A packet is a fixed text but for one word. In strangers' packets the word is looked for and nothing
//! else: no XML is taken apart.

use likeness_recipe::{ResolvedRecipe, Role};

/// The key in a PNG.
pub(crate) const PNG_KEY: &str = "XML:com.adobe.xmp";
/// How the segment of a JPEG begins that holds a packet.
pub(crate) const JPEG_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// The part of a WebP.
pub(crate) const WEBP_PART: &[u8; 4] = b"XMP ";

/// The property, whatever prefix a program has for its name space.
const PROPERTY: &str = "DigitalSourceType";
/// All values begin so.
const VOCABULARY: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";
/// Most bytes between the property's name and its value: a quote, a bracket, an attribute.
const BETWEEN: usize = 64;
/// Where all that is said of a picture ends.
const END: &str = "</rdf:RDF>";

/// How a picture came about, of what IPTC's vocabulary calls by these names: what no model had a hand in
/// has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitalSource {
    /// `trainedAlgorithmicMedia`: a model made it.
    Made,
    /// `compositeWithTrainedAlgorithmicMedia`: a model changed what no model had made, such as a photograph.
    Changed,
}

impl DigitalSource {
    /// Of a picture that a model makes of `recipe`. `before` is what the picture that it goes on from says of
    /// itself: the one to edit, or to start from.
    pub fn of_render(recipe: &ResolvedRecipe, before: Option<Self>) -> Self {
        match goes_on(recipe) {
            true => before.unwrap_or(Self::Changed),
            false => Self::Made,
        }
    }

    /// Of a picture that a network has made larger. `before` is what the smaller one says of itself.
    pub fn of_enlarged(before: Option<Self>) -> Self {
        before.unwrap_or(Self::Changed)
    }

    /// The word of the vocabulary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Made => "trainedAlgorithmicMedia",
            Self::Changed => "compositeWithTrainedAlgorithmicMedia",
        }
    }
}

/// Whether a picture of `recipe` goes on from another one, rather than to look at some.
pub(crate) fn goes_on(recipe: &ResolvedRecipe) -> bool {
    recipe.init.is_some() || recipe.references.iter().any(|one| one.role == Role::Edit)
}

/// A packet that says `source` and nothing else.
pub(crate) fn packet(source: DigitalSource) -> String {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n \
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n{} {END}\n\
         </x:xmpmeta>\n<?xpacket end=\"w\"?>",
        description(source)
    )
}

fn description(source: DigitalSource) -> String {
    format!(
        "  <rdf:Description rdf:about=\"\" \
         xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\">\n   \
         <Iptc4xmpExt:{PROPERTY}>{VOCABULARY}{}</Iptc4xmpExt:{PROPERTY}>\n  </rdf:Description>\n",
        source.name()
    )
}

/// The packet of a picture that says `source`, or says nothing of it, and is made of one with the packet
/// `before`: what else stands in there goes on, such as who took a photograph.
pub(crate) fn packet_after(before: Option<&str>, source: Option<DigitalSource>) -> Option<String> {
    match (before, source) {
        (Some(before), source) if read(before) == source => Some(before.to_owned()),
        // Another word stands there already, and two would contradict each other.
        (Some(before), Some(source)) if !before.contains(PROPERTY) => {
            let (head, tail) = before.rsplit_once(END).unwrap_or_default();
            match head.is_empty() {
                true => Some(packet(source)),
                false => Some(format!("{head}{}{END}{tail}", description(source))),
            }
        }
        (_, source) => source.map(packet),
    }
}

/// What a packet says of how its picture came about, if that is one of ours.
pub(crate) fn read(packet: &str) -> Option<DigitalSource> {
    packet.match_indices(PROPERTY).find_map(|(at, _)| {
        let after = &packet[at + PROPERTY.len()..];
        let value = after.find(VOCABULARY).filter(|&between| between <= BETWEEN)?;
        let word = &after[value + VOCABULARY.len()..];
        let word = word.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
        [DigitalSource::Made, DigitalSource::Changed].into_iter().find(|it| it.name() == word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_again_and_so_are_others() {
        for source in [DigitalSource::Made, DigitalSource::Changed] {
            assert_eq!(read(&packet(source)), Some(source));
        }
        let uri = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
        for (packet, said) in [
            (format!("<a iptcExt:DigitalSourceType=\"{uri}\"/>"), Some(DigitalSource::Made)),
            (
                format!("<Iptc4xmpExt:DigitalSourceType rdf:resource='{uri}'/>"),
                Some(DigitalSource::Made),
            ),
            (format!("<x:DigitalSourceType>{uri}s</x:DigitalSourceType>"), None),
            (format!("<x:DigitalSourceType>{}{uri}", " ".repeat(100)), None),
            (format!("<dc:subject>{uri}</dc:subject>"), None),
            ("DigitalSourceType".to_owned(), None),
            (format!("<x:DigitalSourceType>{VOCABULARY}digitalCapture<"), None),
        ] {
            assert_eq!(read(&packet), said, "{packet}");
        }
    }

    #[test]
    fn what_else_a_packet_says_goes_on() {
        let rights = "<x><rdf:RDF><dc:rights>mine</dc:rights></rdf:RDF></x>";
        let both = packet_after(Some(rights), Some(DigitalSource::Changed)).unwrap();
        assert!(both.contains("<dc:rights>mine") && both.ends_with("</rdf:RDF></x>"), "{both}");
        assert_eq!(read(&both), Some(DigitalSource::Changed));
        assert_eq!(packet_after(Some(rights), None).as_deref(), Some(rights));
        assert_eq!(packet_after(Some(&both), Some(DigitalSource::Changed)), Some(both.clone()));
        assert_eq!(packet_after(Some(&both), None), None, "the mark goes, and what held it");
        let captured = format!("<rdf:RDF><x:{PROPERTY}>{VOCABULARY}digitalCapture</rdf:RDF>");
        let changed = packet(DigitalSource::Changed);
        assert_eq!(packet_after(Some(&captured), Some(DigitalSource::Changed)), Some(changed));
        let made = Some(packet(DigitalSource::Made));
        assert_eq!(packet_after(Some("no packet"), Some(DigitalSource::Made)), made);
        assert_eq!(packet_after(None, Some(DigitalSource::Made)), made);
        assert_eq!(packet_after(None, None), None);
    }
}
