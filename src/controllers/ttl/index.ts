export { ttlController } from './ttl.ts'
