// The two buttons above a printed page.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-prints]")) print();
});
