//! The course "Fractions et proportions" / "Fractions and proportions": five modules, seventeen skills with prerequisites,
//! a video a skill in each language, exercises, and problems that need several skills at once.

use super::chance::Chance;
use super::titles;
use crate::domain::Titles;
use crate::ingest::catalog::body::{CatalogBody, CourseBody, ItemBody, ModuleBody, PrerequisiteBody, SkillBody};

const EXERCISES_A_SKILL: usize = 8;
const PROBLEMS: usize = 16;
pub const COURSE: &str = "fractions-proportions";

/// Id, French and English title.
const MODULES: [(&str, &str, &str); 5] = [
    ("sens", "Comprendre les fractions", "Understanding fractions"),
    ("calcul", "Calculer avec des fractions", "Calculating with fractions"),
    ("pourcentages", "Décimaux et pourcentages", "Decimals and percentages"),
    ("proportions", "Rapports et proportions", "Ratios and proportions"),
    ("problemes", "Résoudre des problèmes", "Solving problems"),
];

/// Id, module, French and English title, what it requires, how hard it is (0..1).
type SkillPlan = (&'static str, usize, &'static str, &'static str, &'static [&'static str], f64);

#[rustfmt::skip]
const SKILLS: [SkillPlan; 17] = [
    ("fractions.read", 0, "Lire et placer une fraction", "Reading and placing fractions", &[], 0.22),
    ("fractions.equivalent", 0, "Reconnaître des fractions égales", "Equivalent fractions", &["fractions.read"], 0.32),
    ("fractions.simplify", 0, "Simplifier une fraction", "Simplifying fractions", &["fractions.equivalent"], 0.38),
    ("fractions.compare", 0, "Comparer des fractions", "Comparing fractions", &["fractions.equivalent"], 0.42),
    ("fractions.add", 1, "Additionner et soustraire des fractions", "Adding and subtracting fractions", &["fractions.equivalent"], 0.5),
    ("fractions.multiply", 1, "Multiplier des fractions", "Multiplying fractions", &["fractions.simplify"], 0.42),
    ("fractions.divide", 1, "Diviser des fractions", "Dividing fractions", &["fractions.multiply"], 0.56),
    ("decimals.convert", 2, "Passer d'une fraction à un nombre décimal", "From fractions to decimals", &["fractions.read"], 0.4),
    ("decimals.compare", 2, "Comparer des nombres décimaux", "Comparing decimals", &["decimals.convert"], 0.35),
    ("percent.read", 2, "Comprendre un pourcentage", "Understanding percentages", &["decimals.convert"], 0.36),
    ("percent.of", 2, "Calculer un pourcentage d'une quantité", "A percentage of a quantity", &["percent.read", "fractions.multiply"], 0.46),
    ("percent.change", 2, "Augmenter ou réduire d'un pourcentage", "Percentage increase and decrease", &["percent.of"], 0.6),
    ("ratio.read", 3, "Comprendre un rapport", "Understanding ratios", &["fractions.simplify"], 0.36),
    ("ratio.share", 3, "Partager selon un rapport", "Sharing in a ratio", &["ratio.read"], 0.52),
    ("proportion.table", 3, "Compléter un tableau de proportionnalité", "Completing a table of proportions", &["ratio.read", "fractions.multiply"], 0.48),
    ("proportion.unit", 3, "Passer par l'unité", "The unitary method", &["ratio.read"], 0.4),
    ("proportion.scale", 3, "Utiliser une échelle", "Using a scale", &["proportion.table"], 0.58),
];

/// A skill as it truly is.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueSkill {
    pub id: &'static str,
    pub requires: Vec<usize>,
    /// Longest chain of requirements below it.
    pub depth: usize,
    pub exercises: Vec<usize>,
    /// In French and in English.
    pub videos: [usize; 2],
}

/// An item as it truly is.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueItem {
    pub id: String,
    pub skills: Vec<usize>,
    /// Strength at which half the learners who neither guess nor slip succeed.
    pub difficulty: f64,
    /// Chance of being right without knowing: multiple choice or not.
    pub guess: f64,
}

/// The course and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseWorld {
    pub catalog: CatalogBody,
    pub skills: Vec<TrueSkill>,
    pub items: Vec<TrueItem>,
    /// Items of the last module.
    pub problems: Vec<usize>,
}

fn both(fr: &str, en: &str) -> Option<Titles> {
    Some(Titles { fr: Some(fr.into()), en: Some(en.into()) })
}

fn skill_number(id: &str) -> usize {
    SKILLS.iter().position(|skill| skill.0 == id).unwrap_or_else(|| unreachable!("no skill {id}"))
}

impl CourseWorld {
    /// The same seed gives the same course.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "course", 0);
        let mut world = Self { catalog: frame(), skills: Vec::new(), items: Vec::new(), problems: Vec::new() };
        for skill in SKILLS {
            world.add_skill(skill, &mut chance);
        }
        for number in 0..PROBLEMS {
            let count = 2 + chance.below(2);
            let mut skills: Vec<usize> = (0..count).map(|_| chance.below(SKILLS.len())).collect();
            skills.sort_unstable();
            skills.dedup();
            let hardest = skills.iter().map(|&skill| SKILLS[skill].5).fold(0.0, f64::max);
            let item =
                TrueItem { id: format!("probleme-{:02}", number + 1), skills, difficulty: hardest + chance.within(0.0, 0.1), guess: 0.04 };
            world.problems.push(world.items.len());
            let titles = titles::exercise("problem", &mut chance);
            world.add_item(item, titles, "exercise", 4, chance.within(4.0, 9.0), None, &["probleme"]);
        }
        world
    }

    fn add_skill(&mut self, (id, module, fr, en, requires, level): SkillPlan, chance: &mut Chance) {
        let number = self.skills.len();
        let requires: Vec<usize> = requires.iter().map(|id| skill_number(id)).collect();
        let depth = requires.iter().map(|&below| self.skills[below].depth + 1).max().unwrap_or(0);
        self.catalog.skills.push(SkillBody { id: id.into(), titles: both(fr, en) });
        for &below in &requires {
            self.catalog.prerequisites.push(PrerequisiteBody { skill: id.into(), requires: SKILLS[below].0.into() });
        }
        let slug = id.replace('.', "-");
        let mut skill = TrueSkill { id, requires, depth, exercises: Vec::new(), videos: [0, 0] };
        for (place, language) in ["fr", "en"].into_iter().enumerate() {
            skill.videos[place] = self.items.len();
            let item = TrueItem { id: format!("{slug}-video-{language}"), skills: vec![number], difficulty: 0.0, guess: 0.0 };
            let titles = match language {
                "fr" => Titles { fr: Some(format!("Vidéo : {}", fr.to_lowercase())), en: None },
                _ => Titles { fr: None, en: Some(format!("Video: {}", en.to_lowercase())) },
            };
            self.add_item(item, titles, "video", module, chance.within(3.0, 8.0), Some(language), &["cours"]);
        }
        for place in 0..EXERCISES_A_SKILL {
            skill.exercises.push(self.items.len());
            let rise = 0.16 * (place as f64 / (EXERCISES_A_SKILL - 1) as f64 - 0.5);
            let choice = chance.happens(0.4);
            let item = TrueItem {
                id: format!("{slug}-{:02}", place + 1),
                skills: vec![number],
                difficulty: (level + rise + 0.07 * chance.normal()).clamp(0.05, 0.95),
                guess: if choice { 0.25 } else { 0.06 },
            };
            let titles = titles::exercise(id, chance);
            self.add_item(
                item,
                titles,
                "exercise",
                module,
                chance.within(0.8, 3.0),
                None,
                if choice { &["qcm"] } else { &["reponse-libre"] },
            );
        }
        self.skills.push(skill);
    }

    #[expect(clippy::too_many_arguments, reason = "one call per kind of item, each argument a column of the catalogue")]
    fn add_item(&mut self, item: TrueItem, titles: Titles, kind: &str, module: usize, minutes: f64, language: Option<&str>, tags: &[&str]) {
        self.catalog.items.push(ItemBody {
            id: item.id.clone(),
            titles: Some(titles),
            skills: Some(item.skills.iter().map(|&skill| SKILLS[skill].0.into()).collect()),
            kind: Some(kind.into()),
            course: Some(COURSE.into()),
            module: Some(MODULES[module].0.into()),
            position: Some(self.items.len() as i64),
            duration_minutes: Some(((minutes * 2.0).round() / 2.0) as f32),
            language: language.map(str::to_owned),
            tags: Some(tags.iter().map(|&tag| tag.into()).collect()),
            state: None,
        });
        self.items.push(item);
    }
}

/// The course and its modules, still empty.
fn frame() -> CatalogBody {
    let modules = MODULES.iter().enumerate().map(|(place, (id, fr, en))| ModuleBody {
        id: (*id).into(),
        course: Some(COURSE.into()),
        titles: both(fr, en),
        position: Some(place as i64),
    });
    CatalogBody {
        courses: vec![CourseBody {
            id: COURSE.into(),
            titles: both("Fractions et proportions", "Fractions and proportions"),
            position: Some(0),
        }],
        modules: modules.collect(),
        ..CatalogBody::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Catalog;
    use crate::ingest::catalog::{Update, merge};

    #[test]
    fn the_course_is_a_catalogue_without_a_warning() {
        let world = CourseWorld::new(1);
        let json = serde_json::to_vec(&world.catalog).unwrap();
        let (patch, report) = merge(&Update::from_json(&json).unwrap(), &Catalog::default());
        assert_eq!(report.warnings, []);
        assert_eq!((patch.items.len(), patch.skills.len(), patch.modules.len()), (17 * 10 + 16, 17, 5));
        assert!(patch.items.iter().all(|item| item.titles.fr.is_some() || item.titles.en.is_some()));
        let mut titles = patch.items.iter().flat_map(|item| [&item.titles.fr, &item.titles.en]).flatten();
        assert!(titles.all(|title| !title.contains('{')), "every number is filled in");
    }

    #[test]
    fn a_seed_is_a_course() {
        assert_eq!(CourseWorld::new(3), CourseWorld::new(3));
        assert_ne!(CourseWorld::new(3), CourseWorld::new(4));
    }

    #[test]
    fn skills_require_only_what_comes_before() {
        for (number, skill) in CourseWorld::new(1).skills.iter().enumerate() {
            assert!(skill.requires.iter().all(|&below| below < number), "{}", skill.id);
        }
    }
}
