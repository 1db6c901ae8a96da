export { rootCaController } from './root-ca.ts'
