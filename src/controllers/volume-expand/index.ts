export { volumeExpandController } from './volume-expand.ts'
