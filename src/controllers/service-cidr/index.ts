export { serviceCidrController } from './service-cidr.ts'
