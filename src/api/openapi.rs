//! The API's description (OpenAPI 3.1), generated from the handlers, and the one list of routes.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, ContentBuilder, Ref, Required, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use super::ApiState;
use super::problem::ProblemDocument;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parcours",
        description = "Learner modelling and recommendations with exact, provable unlearning. Learner ids travel in bodies only. \
            Every failure is an `application/problem+json` document with a stable `code`."
    ),
    components(schemas(ProblemDocument)),
    security(("key" = [])),
    modifiers(&Keys),
    tags(
        (name = "events", description = "What learners did, and what became of it"),
        (name = "catalogue", description = "Items, skills, courses"),
        (name = "learners", description = "Answers about one learner"),
        (name = "rights", description = "Opting out, opting in, erasure"),
        (name = "models", description = "Versions, training, jobs"),
        (name = "administration", description = "Keys and policy of the tenant"),
    )
)]
struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let bearer =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key; `parcours keys create` makes one")).build();
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme("key", SecurityScheme::Http(bearer));
        }
    }
}

/// Every documented route.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Api::openapi()).merge(super::v1::routes()).merge(super::xapi::routes()).merge(super::caliper::routes())
}

/// The description of [`routes`].
pub fn document() -> openapi::OpenApi {
    let (_, mut document) = routes().split_for_parts();
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refused = ResponseBuilder::new().description("Refused or failed").content("application/problem+json", problem).build();
    let again = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The same key and body again within a day give the first answer again, and nothing is done twice."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255))))
        .build();
    for (path, item) in &mut document.paths.paths {
        if let Some(operation) = item.post.as_mut().filter(|_| super::idempotency::ROUTES.contains(&path.as_str())) {
            operation.parameters.get_or_insert_default().push(again.clone().into());
        }
        for operation in [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
            operation.responses.responses.insert("default".into(), refused.clone().into());
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_carries_a_learner() {
        let document = document();
        assert!(!document.paths.paths.is_empty());
        for path in document.paths.paths.keys() {
            assert!(!path.contains("learner"), "{path}");
        }
    }
}
