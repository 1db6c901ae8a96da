export { deploymentController } from './deployment.ts'
