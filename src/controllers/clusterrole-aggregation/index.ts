export { clusterRoleAggregationController } from './clusterrole-aggregation.ts'
