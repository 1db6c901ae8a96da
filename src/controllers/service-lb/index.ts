export { type BalancerPoolOptions, serviceBalancerController } from './service-lb.ts'
