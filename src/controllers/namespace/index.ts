export { namespaceController } from './namespace.ts'
