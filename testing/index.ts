export { type FakeApi, type FakeApiOptions, createFakeApi } from './cluster/fake-api.ts'
