// In a frame made from srcdoc a fragment link leads to the parent's address, so the contents list scrolls by itself.
document.querySelector(".contents").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link === null) return;
  event.preventDefault();
  const section = document.querySelector(link.hash);
  section.scrollIntoView();
  section.focus({ preventScroll: true });
});
