export { type FakeApi, type FakeApiOptions, createFakeApi } from './cluster/fake-api.ts'
export { type Faults, faultTransport } from './cluster/fault-transport.ts'
export { type TestAnswer, type TestApiServer, type TestRequest, type TestWatch, testApiServer } from './apiserver/api-server.ts'
