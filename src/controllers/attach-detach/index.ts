export { attachDetachController } from './attach-detach.ts'
