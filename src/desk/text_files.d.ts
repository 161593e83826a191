declare module "*.submit" {
  const text: string;
  export default text;
}
