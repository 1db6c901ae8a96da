export { endpointsController } from './endpoints.ts'
