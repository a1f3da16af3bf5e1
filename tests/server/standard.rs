//! Health and reflection, and that every method of the `.proto` files is served.

use refkit_content::Memory;
use refkit_server::grpc::pb;
use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::rules::TestRules;
use crate::stand::Stand;

#[tokio::test]
async fn the_services_are_healthy() {
    let stand = Stand::start(TestRules::over(&Memory::new()).await).await;
    for service in ["", "refkit.v1.RegistryService", "refkit.v1.ImageService"] {
        let message = HealthCheckRequest { service: service.to_owned() };
        let checked: HealthCheckResponse = stand.call("/grpc.health.v1.Health/Check", message).await.unwrap();
        assert_eq!(checked.status, 1, "{service}: serving");
    }
    let message = HealthCheckRequest { service: "other".to_owned() };
    let checked = stand.call::<_, HealthCheckResponse>("/grpc.health.v1.Health/Check", message).await;
    assert_eq!(checked.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_services_are_described() {
    let stand = Stand::start(TestRules::over(&Memory::new()).await).await;
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let message = ServerReflectionRequest { host: String::new(), message_request };
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let mut stream = stand.stream::<_, ServerReflectionResponse>(path, Request::new(message)).await.unwrap();
    let answer = stream.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for service in ["refkit.v1.RegistryService", "refkit.v1.ImageService"] {
        assert!(names.contains(&service.to_owned()), "{names:?}");
    }
}

/// A method of the `.proto` files that nobody serves would be `UNIMPLEMENTED`.
#[tokio::test]
async fn every_method_is_served() {
    let stand = Stand::start(TestRules::over(&Memory::new()).await).await;
    let described: prost_types::FileDescriptorSet = prost::Message::decode(pb::DESCRIPTORS).unwrap();
    let mut methods = 0;
    for file in described.file {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                // An empty message is malformed for all of them.
                let called = stand.call::<(), ()>(&path, ()).await;
                assert_eq!(called.unwrap_err().code(), Code::InvalidArgument, "{path}");
                methods += 1;
            }
        }
    }
    assert_eq!(methods, 10);
}
