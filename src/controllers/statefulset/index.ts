export { statefulSetController } from './statefulset.ts'
